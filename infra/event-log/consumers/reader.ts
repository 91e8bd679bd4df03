import type { RecordedEvent } from '#domains/kernel/envelope.ts';

import type { EventLog } from '../event-log.ts';
import { shardOf, type Consumer, type ConsumerLogger } from './consumer.ts';
import type { Shard } from './shard.ts';

/** One subscription that feeds all shards that a process holds. */
export interface Reader {
  /** A shard's backlog has become shorter. */
  advanced(): void;
  /** Whether the subscription has ended by itself: open another one. */
  failed(): boolean;
  stop(): Promise<void>;
}

/** A shard that has so many events waiting keeps the others from reading on. */
const backlogMax = 500;

/**
 * Reads on from where the one furthest behind has read to. It feeds those shards alone that were there when it began: one that comes
 * later has not seen what went before.
 */
export function openReader(what: {
  readonly consumer: Consumer;
  readonly log: Pick<EventLog, 'subscribe'>;
  readonly logger: ConsumerLogger;
  /** How many the group has. */
  readonly shards: number;
  readonly held: readonly Shard[];
}): Reader {
  const { consumer, log, logger, held } = what;
  const stopping = new AbortController();
  let wake = (): void => {};
  let failed = false;

  const crowded = () => !stopping.signal.aborted && held.some((shard) => shard.backlog() > backlogMax);

  const subscription = log.subscribe({
    after: held.reduce((least, shard) => (shard.readTo() < least ? shard.readTo() : least), held[0]?.readTo() ?? 0n),
    filter: { categories: consumer.categories, types: consumer.types },
    handle: async (batch, upTo) => {
      const parts = new Map<number, RecordedEvent[]>();
      for (const event of batch) {
        const number = shardOf(event.stream, what.shards);
        const part = parts.get(number);
        if (part === undefined) parts.set(number, [event]);
        else part.push(event);
      }
      for (const shard of held) shard.take(parts.get(shard.shard) ?? [], upTo);
      while (crowded()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  });
  subscription.ended.catch((error: unknown) => {
    failed = true;
    logger.error({ err: error, group: consumer.name }, 'the events can not be read; trying again');
  });

  return {
    advanced: () => wake(),
    failed: () => failed,
    async stop() {
      stopping.abort();
      wake();
      await subscription.stop();
    },
  };
}
