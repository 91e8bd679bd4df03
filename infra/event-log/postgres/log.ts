import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { Pool } from 'pg';

import { openArchivedEvents } from '../archive/archived-events.ts';
import type { Codec } from '../codec.ts';
import type { Append, AppendResult, EventLog, ReadFilter, StreamRange, Subscription } from '../event-log.ts';
import { checkAppend, checkRange, checkReading, checkSize, checkTime } from '../limits.ts';
import { openAppendConnection } from './append-connection.ts';
import { openAppendQueue } from './append-queue.ts';
import { watchHead } from './head-watch.ts';
import type { StoredBatch } from './filtered-read.ts';
import { openLogReader } from './log-reader.ts';
import { readHead, readPlaceOfAppend } from './read.ts';
import { postgresSnapshots } from './snapshots.ts';
import { subscribeTo, type ReadBatch } from './subscription.ts';
import { patiently } from './transient.ts';

/** How long a read waits for a server that is away before it throws `LogUnavailable`. */
const readPatienceMs = 10_000;
const defaultBatchSize = 500;

type ReadAllOptions = Parameters<EventLog['readAll']>[0];

export interface PostgresEventLogOptions {
  /** From `createPool`, on a database brought up to date by `migrate`; the log does not end it. */
  readonly pool: Pool;
  readonly codec: Codec;
  /** Where archived events are; without it, a read that comes to some of them fails. */
  readonly objects?: Pick<ObjectStore, 'get'>;
  /** Whether processes tell each other of new events at once; without it they find them by polling. */
  readonly notify: boolean;
}

/** The event log on PostgreSQL. Positions are gapless and in commit order; an append may span streams. */
export function openPostgresEventLog({ pool, codec, notify, objects }: PostgresEventLogOptions): EventLog {
  const reader = openLogReader(pool, objects === undefined ? undefined : openArchivedEvents(objects));
  const watch = watchHead(pool, notify);
  const connection = openAppendConnection(pool);
  const queue = openAppendQueue(connection, watch);
  const subscriptions = new Set<Subscription>();
  const appending = new Set<Promise<AppendResult>>();
  let closed = false;

  async function encodeAndAppend(append: Append): Promise<AppendResult> {
    checkAppend(append);
    const encoded = await patiently(readPatienceMs, () => codec.encode(append));
    checkSize(encoded);
    return queue.append(encoded);
  }

  async function read(after: bigint, to: bigint, limit: number, filter: ReadFilter = {}): Promise<ReadBatch> {
    const { events, upTo } = await reader.readAll(after, to, limit, filter);
    return { events: await codec.decode(events), upTo };
  }

  async function* readAll({ filter, batchSize = defaultBatchSize, ...range }: ReadAllOptions) {
    checkReading({ after: range.after, batchSize });
    const to = await endOf(range);
    const readOn = (after: bigint) =>
      patiently(readPatienceMs, () => reader.readAll(after, to, batchSize, filter ?? {}));
    let coming = range.after < to ? readOn(range.after) : null;
    try {
      while (coming !== null) {
        const { events, upTo }: StoredBatch = await coming;
        // While this batch is decoded and handled, the server is at the next one.
        coming = upTo < to ? readOn(upTo) : null;
        coming?.catch(ignore);
        if (events.length > 0) yield await patiently(readPatienceMs, () => codec.decode(events));
      }
    } finally {
      // Whoever stops before the end leaves no read behind.
      await coming?.catch(ignore);
    }
  }

  /** The last position to read: beyond the head there is nothing to look for. */
  async function endOf({ to }: Pick<ReadAllOptions, 'to'>): Promise<bigint> {
    if (to !== undefined && to <= watch.known) return to;
    const end = await head();
    return to === undefined || to > end ? end : to;
  }

  function readStream(stream: string, range: StreamRange = {}): Promise<RecordedEvent[]> {
    checkRange(range);
    return patiently(readPatienceMs, async () => codec.decode(await reader.readStream(stream, range)));
  }

  async function* readStreamBatches(stream: string, options: StreamRange & { batchSize?: number } = {}) {
    const { batchSize = defaultBatchSize, limit: wanted = Infinity, ...range } = options;
    checkRange(options);
    const step = range.direction === 'backward' ? -1 : 1;
    let { fromVersion } = range;
    for (let left = wanted; left > 0;) {
      const limit = Math.min(left, batchSize);
      const from = fromVersion === undefined ? {} : { fromVersion };
      const events = await readStream(stream, { ...range, ...from, limit });
      const last = events.at(-1);
      if (last === undefined) return;
      yield events;
      if (events.length < limit) return;
      left -= events.length;
      fromVersion = last.version + step;
      if (fromVersion < 0) return;
    }
  }

  function readAppend(commandUid: string): Promise<RecordedEvent[]> {
    return patiently(readPatienceMs, async () => {
      const place = await readPlaceOfAppend(pool, commandUid);
      if (place === null) return [];
      return (await read(place.after, place.to, Number(place.to - place.after))).events;
    });
  }

  async function head(): Promise<bigint> {
    const end = await patiently(readPatienceMs, () => readHead(pool));
    watch.seen(end);
    return end;
  }

  return {
    capabilities: { gapless: true, multiStreamAtomic: true },
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
    subscribe({ after, filter, batchSize = defaultBatchSize, handle }) {
      if (closed) throw new Error('The event log is closed.');
      checkReading({ after, batchSize });
      const subscription = subscribeTo(watch, {
        after,
        handle,
        head: () => readHead(pool),
        read: (from, to) => read(from, to, batchSize, filter),
      });
      subscriptions.add(subscription);
      const forget = () => subscriptions.delete(subscription);
      subscription.ended.then(forget, forget);
      return subscription;
    },
    head,
    async positionAt(time) {
      checkTime(time);
      return patiently(readPatienceMs, () => reader.positionAt(time));
    },
    snapshots: postgresSnapshots(pool),
    async close() {
      closed = true;
      await Promise.all([...subscriptions].map((subscription) => subscription.stop()));
      await Promise.allSettled(appending);
      await Promise.all([connection.close(), watch.close()]);
    },
  };
}

function ignore(): void {}
