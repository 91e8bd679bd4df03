import type { Kafka, KafkaMessage } from 'kafkajs';
import { v4 as uuidv4 } from 'uuid';

import { backOff } from '#infra/event-log/postgres/transient.ts';

import { disconnect } from './disconnect.ts';

/** A partition, where to begin in it and where to stop; offsets as Kafka counts them, `end` exclusive. */
export interface OffsetRange {
  readonly topic: string;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

/** A broker that has just started keeps groups waiting, so a few failures mean nothing yet. */
const attempts = 10;

/**
 * Reads ranges of partitions and ends. `take` is called in the order of each partition. Rejects when Kafka stays away.
 */
export async function readRecords(
  kafka: Kafka,
  ranges: readonly OffsetRange[],
  take: (range: OffsetRange, record: KafkaMessage) => void,
): Promise<void> {
  const open = new Map<string, OpenRange>();
  for (const range of ranges) if (range.start < range.end) open.set(nameOf(range), { range, next: range.start });
  for (let attempt = 1; open.size > 0; attempt += 1) {
    try {
      await readOn(kafka, open, take);
    } catch (error) {
      if (attempt === attempts) throw error;
      await backOff(attempt);
    }
  }
}

interface OpenRange {
  readonly range: OffsetRange;
  next: number;
}

/** KafkaJS reads for groups alone, so this is a group of one, for this one time. */
async function readOn(
  kafka: Kafka,
  open: Map<string, OpenRange>,
  take: (range: OffsetRange, record: KafkaMessage) => void,
): Promise<void> {
  const consumer = kafka.consumer({
    groupId: `miniredis-read-${uuidv4()}`,
    maxWaitTimeInMs: 100,
    rebalanceTimeout: 10_000,
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  done.catch(() => {});
  const seekAll = (): void => {
    for (const { range, next } of open.values()) {
      consumer.seek({ topic: range.topic, partition: range.partition, offset: String(next) });
    }
  };
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  // A group that gathers anew has forgotten where it was.
  consumer.on(consumer.events.GROUP_JOIN, seekAll);
  try {
    await consumer.connect();
    const topics = [...new Set([...open.values()].map(({ range }) => range.topic))];
    await consumer.subscribe({ topics, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch: { topic, partition, messages } }) => {
        const name = nameOf({ topic, partition });
        for (const message of messages) {
          const state = open.get(name);
          const offset = Number(message.offset);
          if (state === undefined || offset < state.next) continue;
          const { range } = state;
          if (offset < range.end) take(range, message);
          state.next = offset + 1;
          if (state.next >= range.end) open.delete(name);
        }
        if (open.size === 0) resolve();
        return Promise.resolve();
      },
    });
    await done;
  } finally {
    await disconnect(consumer);
  }
}

function nameOf({ topic, partition }: Pick<OffsetRange, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}
