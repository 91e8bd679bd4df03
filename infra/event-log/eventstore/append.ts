import { v4 as uuidv4 } from 'uuid';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult, ExpectedVersion } from '../event-log.ts';
import { LogUnavailable } from '../log-unavailable.ts';
import { contentOf } from '../postgres/content.ts';
import { backOff } from '../postgres/transient.ts';
import { unavailable, type Connection } from './connection.ts';
import type { Decided, Decisions } from './decisions.ts';
import { positionOf, proposed, type Attempt, type Decision, type Place } from './records.ts';
import type { Streams, Tail } from './streams.ts';
import { openTurns } from './turns.ts';

/** What is sent at once, and what an event's circumstances and type take beside its data, generously. */
const [portionBytesMax, metadataBytes] = [900_000, 4_096];

interface Parts {
  readonly connection: Connection;
  readonly decisions: Decisions;
  readonly streams: Streams;
  readonly head: () => Promise<bigint>;
  /** How long a caller waits at most for others who write to the same streams. */
  readonly patienceMs: number;
}

type Commit = Extract<Decision, { committed: true }>;
type Pin = EncodedAppend['streams'][number];
type Sent = ReturnType<typeof proposed>[number];

/** A try came to an end without a result: somebody else was at the same streams. */
const again = 'again';

/**
 * Records appends, each over as many streams as it names, though EventStoreDB writes to one stream at a time: first the events, each
 * on its stream and in their order, then one decision that makes all of them count. The order of writes, what a reader sees in
 * between and who cleans up after a crash stand in docs/decisions ("Appends over several streams on EventStoreDB").
 */
export function openAppending({ connection, decisions, streams, head, patienceMs }: Parts) {
  const inTurn = openTurns();

  return async function append(append: EncodedAppend): Promise<AppendResult> {
    const names = [append.commandUid, ...append.streams.map(({ stream }) => stream)];
    return inTurn(names, async () => {
      const giveUpAt = Date.now() + patienceMs;
      for (let retry = 1; ; retry += 1) {
        const result = await tryOnce(append);
        if (result !== again) return result;
        if (Date.now() >= giveUpAt) throw unavailable(new Error('others write to the same streams all the time'));
        await backOff(retry);
      }
    });
  };

  async function tryOnce(append: EncodedAppend): Promise<AppendResult | typeof again> {
    const [decided, tails] = await Promise.all([
      decisions.read(append.commandUid),
      Promise.all(append.streams.map(({ stream }) => streams.settledTail(stream))),
    ]);
    if (decided.committed !== null) return repeatOf(append, decided.committed);
    const conflict = conflictIn(append.streams, tails);
    if (conflict !== null) return conflict;
    const writes = append.streams.some(({ events }) => events.length > 0);
    if (writes) return record(append, decided, tails);
    if (await somethingMoved(append.streams, tails)) return again;
    const position = await head();
    return { ok: true, firstPosition: position, lastPosition: position, repeated: false };
  }

  /** The writes themselves. Until the decision, whatever happens here leaves nothing that counts. */
  async function record(
    append: EncodedAppend,
    decided: Decided,
    tails: readonly Tail[],
  ): Promise<AppendResult | typeof again> {
    const attempt: Attempt = { commandUid: append.commandUid, attempt: uuidv4() };
    const written = await writeAll(append, tails, attempt).catch(async (error: unknown) => {
      if (!(error instanceof LogUnavailable)) await giveUp(attempt);
      throw error;
    });
    // Only now, behind our own events: whoever pins what we write or writes what we pin, one of us two sees the other.
    if (written === again || (await somethingMoved(pinsOf(append), tailsOfPins(append, tails)))) {
      await giveUp(attempt);
      return again;
    }
    const commit: Commit = { committed: true, attempt: attempt.attempt, digest: digestOf(append), ...written };
    return decide(append, decided, commit);
  }

  async function writeAll(append: EncodedAppend, tails: readonly Tail[], attempt: Attempt) {
    const places: Place[] = [];
    let firstPosition: bigint | null = null;
    let lastPosition = 0n;
    for (const [n, { stream, events }] of append.streams.entries()) {
      const tail = tails[n];
      if (tail === undefined || events.length === 0) continue;
      const range = await writeTo(stream, tail, proposed(events, tail.version, append.metadata, attempt));
      if (range === again) return again;
      places.push({ stream, version: tail.version + 1, count: events.length });
      firstPosition ??= range.first;
      lastPosition = range.last;
    }
    return { places, firstPosition: firstPosition ?? 0n, lastPosition };
  }

  async function writeTo(stream: string, tail: Tail, events: readonly Sent[]) {
    let { revision } = tail;
    let position = 0n;
    for (const portion of portionsOf(events)) {
      const result = await connection.write(stream, revision, portion);
      if (result === false) return again;
      revision = (revision ?? -1n) + BigInt(portion.length);
      ({ position } = result);
    }
    if (events.length === 1) return { first: position, last: position };
    // A server tells one position for all that it wrote at once.
    const from = tail.revision === null ? 'start' : tail.revision + 1n;
    const positions = (await connection.readStream(stream, from, 'forwards', events.length)).map(positionOf);
    return { first: positions[0] ?? position, last: positions.at(-1) ?? position };
  }

  /** Whether streams were written to since their tails were looked at. One that only has to be there still is. */
  async function somethingMoved(pins: readonly Pin[], tails: readonly Tail[]): Promise<boolean> {
    const moved = await Promise.all(
      pins.map(async ({ stream, expectedVersion }, n) => {
        if (expectedVersion === 'any' || expectedVersion === 'exists') return false;
        const now = await streams.tail(stream);
        return now.revision !== tails[n]?.revision;
      }),
    );
    return moved.includes(true);
  }

  /** Best effort: who meets these events would find out as well, only later. */
  async function giveUp(attempt: Attempt): Promise<void> {
    await decisions.abort(attempt).catch(() => {});
  }

  async function decide(append: EncodedAppend, seen: Decided, commit: Commit): Promise<AppendResult | typeof again> {
    let decided = seen;
    for (;;) {
      const done = await decisions.write(append.commandUid, decided, commit);
      if (!done) decided = await decisions.read(append.commandUid);
      if (done || decided.committed?.attempt === commit.attempt) return resultOf(commit, false);
      // A twin was faster; or we were too slow for somebody who met our events.
      if (decided.committed !== null) return repeatOf(append, decided.committed);
      if (decided.aborted.has(commit.attempt)) return again;
    }
  }
}

/** A server takes no more than 1 MiB at once unless it is told to; what is in several portions counts together all the same. */
function* portionsOf(events: readonly Sent[]): Generator<Sent[]> {
  let portion: Sent[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = event.data.length + metadataBytes;
    if (portion.length > 0 && bytes + size > portionBytesMax) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(event);
    bytes += size;
  }
  yield portion;
}

/** What an append says, so that a repeat is told from another one under the same id. */
function digestOf(append: EncodedAppend): string {
  return contentOf(append).toString('base64url');
}

/** Streams that are only looked at. */
function pinsOf({ streams }: EncodedAppend): Pin[] {
  return streams.filter(({ events }) => events.length === 0);
}

function tailsOfPins({ streams }: EncodedAppend, tails: readonly Tail[]): Tail[] {
  return tails.filter((_, n) => streams[n]?.events.length === 0);
}

function repeatOf(append: EncodedAppend, commit: Commit): AppendResult {
  return commit.digest === digestOf(append) ? resultOf(commit, true) : { ok: false, conflict: 'event-id' };
}

function resultOf({ firstPosition, lastPosition }: Commit, repeated: boolean): AppendResult {
  return { ok: true, firstPosition, lastPosition, repeated };
}

function conflictIn(pins: readonly Pin[], tails: readonly Tail[]): AppendResult | null {
  for (const [n, { stream, expectedVersion }] of pins.entries()) {
    const version = tails[n]?.version ?? -1;
    if (holds(expectedVersion, version)) continue;
    return { ok: false, conflict: 'version', stream, actual: version === -1 ? null : version };
  }
  return null;
}

function holds(expected: ExpectedVersion, version: number): boolean {
  switch (expected) {
    case 'any':
      return true;
    case 'exists':
      return version >= 0;
    case 'no-stream':
      return version === -1;
    default:
      return version === expected;
  }
}
