import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { Pool } from 'pg';

import type { Codec } from '../codec.ts';
import type { Append, EventLog, ReadFilter } from '../event-log.ts';
import { openAppendQueue } from './append-queue.ts';
import { watchHead } from './head-watch.ts';
import { readHead, readPositionAt, readRows, readStreamRows } from './read.ts';
import { subscribeTo } from './subscription.ts';
import { patiently } from './transient.ts';

/** How long a read waits for a server that is away before it throws `LogUnavailable`. */
const readPatienceMs = 10_000;
const defaultBatchSize = 500;

export interface PostgresEventLogOptions {
  /** From `createPool`, on a database brought up to date by `migrate`; the log does not end it. */
  readonly pool: Pool;
  readonly codec: Codec;
  /** Whether processes tell each other of new events at once; without it they find them by polling. */
  readonly notify: boolean;
}

/** The event log on PostgreSQL. Positions are gapless and in commit order; an append may span streams. */
export function openPostgresEventLog({ pool, codec, notify }: PostgresEventLogOptions): EventLog {
  const watch = watchHead(pool, notify);
  const queue = openAppendQueue(pool, watch.recorded);
  const subscriptions = new Set<{ stop(): Promise<void> }>();

  async function read(after: bigint, to: bigint, limit: number, filter: ReadFilter = {}): Promise<RecordedEvent[]> {
    return codec.decode(await readRows(pool, after, to, limit, filter));
  }

  async function* readAll(options: Parameters<EventLog['readAll']>[0]): AsyncGenerator<RecordedEvent[]> {
    const { filter, batchSize = defaultBatchSize } = options;
    const to = options.to ?? (await head());
    let { after } = options;
    for (;;) {
      const from = after;
      const batch = await patiently(readPatienceMs, () => read(from, to, batchSize, filter));
      const last = batch.at(-1);
      if (last === undefined) return;
      yield batch;
      if (batch.length < batchSize) return;
      after = last.position;
    }
  }

  function head(): Promise<bigint> {
    return patiently(readPatienceMs, () => readHead(pool));
  }

  return {
    async append(append) {
      refuseTwice(append);
      return queue.append(await patiently(readPatienceMs, () => codec.encode(append)));
    },
    readStream(stream, { fromVersion = 0, toPosition } = {}) {
      return patiently(readPatienceMs, async () =>
        codec.decode(await readStreamRows(pool, stream, fromVersion, toPosition)),
      );
    },
    readAll,
    subscribe({ after, filter, batchSize = defaultBatchSize, handle }) {
      const subscription = subscribeTo(watch, {
        after,
        batchSize,
        handle,
        read: (from, to, limit) => read(from, to, limit, filter),
      });
      subscriptions.add(subscription);
      return subscription;
    },
    head,
    positionAt: (time) => patiently(readPatienceMs, () => readPositionAt(pool, time)),
    async close() {
      await Promise.all([...subscriptions].map((subscription) => subscription.stop()));
      await queue.drained();
      await watch.close();
    },
  };
}

/** A stream stands once in an append, with one expectation and all its events. */
function refuseTwice({ streams }: Append): void {
  const names = new Set(streams.map(({ stream }) => stream));
  if (names.size !== streams.length) {
    throw new Error(
      `An append names a stream twice (${streams.map(({ stream }) => stream).join(', ')}); put its events together.`,
    );
  }
}
