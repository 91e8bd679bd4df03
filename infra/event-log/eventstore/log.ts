import type { RecordedEvent } from '#domains/kernel/envelope.ts';

import type { Codec, StoredEvent } from '../codec.ts';
import type { Append, AppendResult, EventLog, StreamRange, Subscription } from '../event-log.ts';
import { checkAppend, checkRange, checkReading, checkSize, checkTime } from '../limits.ts';
import { follow, type Following } from './all.ts';
import { openAppending } from './append.ts';
import { connect, patiently } from './connection.ts';
import { openDecisions } from './decisions.ts';
import { readHead, readPositionAt } from './end.ts';
import { openLandmarks } from './landmarks.ts';
import { decisionCategory } from './records.ts';
import { openStreams } from './streams.ts';

/** How long a call waits for a server that is away before it throws `LogUnavailable`. */
export const usualPatienceMs = 10_000;
const defaultBatchSize = 500;
/** How long the writer of an append has to decide on it before others give it up for him. */
export const defaultGraceMs = 2_000;

export interface EventStoreEventLogOptions {
  /** A connection string of EventStoreDB's: `esdb://user:password@host:2113`, or `esdb+discover://…` for a cluster. */
  readonly url: string;
  readonly codec: Codec;
  readonly graceMs?: number;
  readonly patienceMs?: number;
}

/**
 * The event log on EventStoreDB or KurrentDB, 22.6 or later. Positions are those of the server's transaction log: they grow, with
 * gaps. An append over several streams is several writes and one decision; nobody reads a part of it.
 */
export function openEventStoreEventLog({
  url,
  codec,
  graceMs = defaultGraceMs,
  patienceMs = usualPatienceMs,
}: EventStoreEventLogOptions): EventLog {
  const connection = connect(url, patienceMs);
  const decisions = openDecisions(connection, graceMs);
  const streams = openStreams(connection, decisions);
  const parts = { connection, decisions, landmarks: openLandmarks() };
  const head = () => readHead(parts);
  const record = openAppending({ connection, decisions, streams, head, patienceMs });
  const subscriptions = new Set<Subscription>();
  const appending = new Set<Promise<AppendResult>>();
  let closed = false;

  async function encodeAndAppend(append: Append): Promise<AppendResult> {
    checkAppend(append);
    checkNames(append);
    const encoded = await patiently(patienceMs, () => codec.encode(append));
    checkSize(encoded);
    return record(encoded);
  }

  const decode = (events: readonly StoredEvent[]) => patiently(patienceMs, () => codec.decode(events));

  async function* readStreamBatches(stream: string, options: StreamRange & { batchSize?: number } = {}) {
    const { batchSize = defaultBatchSize, ...range } = options;
    checkRange(options);
    for await (const events of streams.read(stream, range, batchSize)) yield await decode(events);
  }

  async function readStream(stream: string, range: StreamRange = {}): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const batch of readStreamBatches(stream, range)) events.push(...batch);
    return events;
  }

  async function readAppend(commandUid: string): Promise<RecordedEvent[]> {
    const { committed } = await decisions.read(commandUid);
    const runs = (committed?.places ?? []).map(({ stream, version, count }) =>
      readStream(stream, { fromVersion: version, limit: count }),
    );
    return (await Promise.all(runs)).flat();
  }

  async function* readAll({
    after,
    to = 2n ** 63n,
    filter = {},
    batchSize = defaultBatchSize,
  }: Parameters<EventLog['readAll']>[0]) {
    checkReading({ after, batchSize });
    const end = await head();
    const last = to < end ? to : end;
    const stopping = new AbortController();
    const following: Following = { after, filter, batchSize, signal: stopping.signal, patienceMs };
    let gathered: StoredEvent[] = [];
    if (after >= last) return;
    for await (const { events, upTo } of follow(parts, following)) {
      gathered.push(...events.filter(({ position }) => position <= last));
      for (; gathered.length >= batchSize; gathered = gathered.slice(batchSize)) {
        yield decode(gathered.slice(0, batchSize));
      }
      if (upTo >= last) break;
    }
    if (gathered.length > 0) yield decode(gathered);
  }

  function subscribe({
    after,
    filter = {},
    batchSize = defaultBatchSize,
    handle,
  }: Parameters<EventLog['subscribe']>[0]) {
    if (closed) throw new Error('The event log is closed.');
    checkReading({ after, batchSize });
    const stopping = new AbortController();
    const { signal } = stopping;
    const deliver = async () => {
      for await (const { events, upTo } of follow(parts, { after, filter, batchSize, signal, patienceMs: Infinity })) {
        const batch = await patiently(Infinity, () => codec.decode(events));
        if (signal.aborted) return;
        await handle(batch, upTo);
      }
    };
    const ended = deliver().catch((error: unknown) => {
      if (!signal.aborted || !isAbort(error)) throw error;
    });
    // Whoever cares awaits `ended`; a subscription nobody looks at must not end the process before they do.
    ended.catch(() => {});
    const subscription: Subscription = {
      ended,
      async stop() {
        stopping.abort();
        await ended.catch(() => {});
      },
    };
    subscriptions.add(subscription);
    const forget = () => subscriptions.delete(subscription);
    ended.then(forget, forget);
    return subscription;
  }

  return {
    capabilities: { gapless: false, multiStreamAtomic: false },
    async append(append) {
      if (closed) throw new Error('The event log is closed.');
      const result = encodeAndAppend(append);
      appending.add(result);
      try {
        return await result;
      } finally {
        appending.delete(result);
      }
    },
    readStream,
    readStreamBatches,
    readAppend,
    readAll,
    subscribe,
    head,
    async positionAt(time) {
      checkTime(time);
      return readPositionAt(parts, time);
    },
    async close() {
      closed = true;
      await Promise.all([...subscriptions].map((subscription) => subscription.stop()));
      await Promise.allSettled(appending);
      await connection.close();
    },
  };
}

/** Refuses streams that EventStoreDB or this adapter keeps for itself. */
function checkNames({ streams }: Append): void {
  for (const { stream } of streams) {
    if (stream.startsWith('$') || stream === decisionCategory || stream.startsWith(`${decisionCategory}-`)) {
      throw new RangeError(`${stream} is a name that the log keeps for itself; choose another category.`);
    }
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
