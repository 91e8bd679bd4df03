import type { StoredEvent } from '../codec.ts';
import type { StreamRange } from '../event-log.ts';
import type { Connection } from './connection.ts';
import type { Decisions } from './decisions.ts';
import { writtenOf, type Attempt, type Written } from './records.ts';

/** Where a stream ends. */
export interface Tail {
  /** The revision of the last event that was written, whatever became of it; null: nothing was. */
  readonly revision: bigint | null;
  /** The version of the last event that counts; -1: none does. */
  readonly version: number;
  /** A try whose events stand at the end and are not decided yet; they are behind `version`. */
  readonly undecided: Attempt | null;
}

/**
 * Streams as readers see them. Whoever writes to a stream has settled everything before his own events and says in each of them
 * at which version (`base`): so only the fate of the last try must be looked up, and what does not count shows by its version.
 */
export interface Streams {
  tail(stream: string): Promise<Tail>;
  /** The tail once nothing at it is undecided. */
  settledTail(stream: string): Promise<Tail>;
  /** The events that count, in batches in the order of the range, the next of which is read when it is asked for. */
  read(stream: string, range: StreamRange, batchSize: number): AsyncGenerator<StoredEvent[]>;
}

export function openStreams(connection: Connection, decisions: Decisions): Streams {
  async function page(
    stream: string,
    from: bigint | 'start' | 'end',
    direction: 'forwards' | 'backwards',
    count: number,
  ) {
    const events = await connection.readStream(stream, from, direction, count);
    return events.map((event) => {
      const written = writtenOf(event);
      if (written === null)
        throw new Error(`The stream ${stream} in EventStoreDB holds an event that is not of this log.`);
      return written;
    });
  }

  async function tail(stream: string): Promise<Tail> {
    const [last] = await page(stream, 'end', 'backwards', 1);
    if (last === undefined) return { revision: null, version: -1, undecided: null };
    const { attempt, base, revision, event } = last;
    const fate = await decisions.fateOf(attempt);
    if (fate === 'committed') return { revision, version: event.version, undecided: null };
    return { revision, version: base, undecided: fate === 'undecided' ? attempt : null };
  }

  async function settledTail(stream: string): Promise<Tail> {
    for (;;) {
      const found = await tail(stream);
      if (found.undecided === null) return found;
      await decisions.settle(found.undecided);
    }
  }

  /** Backward, what counts is known at once: each event that does says which version comes before it. */
  async function* backward(stream: string, { fromVersion = Infinity }: StreamRange, batchSize: number) {
    const { revision, version } = await tail(stream);
    if (revision === null) return;
    // No version lies further behind its revision than all that does not count.
    const start = BigInt(Math.min(fromVersion, version)) + revision - BigInt(version);
    let next: bigint | null = start < revision ? start : revision;
    let due = Math.min(fromVersion, version);
    while (next !== null && next >= 0n && due >= 0) {
      const events = await page(stream, next, 'backwards', batchSize);
      const counting: Written[] = [];
      for (const written of events) {
        if (written.event.version !== due) continue;
        due -= 1;
        counting.push(written);
      }
      if (counting.length > 0) yield counting;
      const last = events.at(-1);
      next = last === undefined ? null : last.revision - 1n;
    }
  }

  /** Forward, an event counts when nothing behind it was written as if it did not. */
  async function* forward(stream: string, { fromVersion = 0 }: StreamRange, batchSize: number) {
    const end = await tail(stream);
    if (end.revision === null) return;
    // Events that do not count only ever push revisions beyond versions.
    let next = BigInt(fromVersion);
    let open: Written[] = [];
    let given = fromVersion - 1;
    while (next <= end.revision && given < end.version) {
      const events = await page(stream, next, 'forwards', batchSize);
      const last = events.at(-1);
      if (last === undefined) return;
      for (const written of events) {
        if (written.revision > end.revision) break;
        while (isOverwritten(open.at(-1), written)) open.pop();
        open.push(written);
      }
      next = last.revision + 1n;
      const atEnd = next > end.revision;
      const settled = atEnd ? end.version : last.base;
      const counting = open.filter(({ event }) => event.version > given && event.version <= settled);
      open = open.filter(({ event }) => event.version > settled);
      given = Math.max(given, counting.at(-1)?.event.version ?? given);
      if (counting.length > 0) yield counting;
    }
  }

  async function* read(stream: string, range: StreamRange, batchSize: number): AsyncGenerator<StoredEvent[]> {
    const { direction = 'forward', toPosition, limit = Infinity } = range;
    let left = limit;
    const pages = direction === 'backward' ? backward : forward;
    for await (const found of pages(stream, range, Math.min(batchSize, pageMax))) {
      const events = found
        .map(({ event }) => event)
        .filter(({ position }) => toPosition === undefined || position <= toPosition)
        .slice(0, left);
      left -= events.length;
      // What waited for the next page to settle it comes on top of that page.
      for (let n = 0; n < events.length; n += batchSize) yield events.slice(n, n + batchSize);
      if (left <= 0) return;
    }
  }

  return { tail, settledTail, read };
}

/** Whoever writes another try at or before a version has found that what stood there does not count. */
function isOverwritten(earlier: Written | undefined, later: Written): boolean {
  return (
    earlier !== undefined && earlier.event.version > later.base && earlier.attempt.attempt !== later.attempt.attempt
  );
}

/** An event may be large, and a page is in memory as a whole. */
const pageMax = 500;
