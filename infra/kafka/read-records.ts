import type { Kafka, KafkaMessage } from 'kafkajs';
import { v4 as uuidv4 } from 'uuid';

/** A partition, where to begin in it and where to stop; offsets as Kafka counts them, `end` exclusive. */
export interface OffsetRange {
  readonly topic: string;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

const crashesMax = 10;

/**
 * Reads ranges of partitions and ends. KafkaJS reads for groups alone, so this is a group of one, for this one time. `take` is
 * called in the order of each partition. Rejects when Kafka stays away.
 */
export async function readRecords(
  kafka: Kafka,
  ranges: readonly OffsetRange[],
  take: (range: OffsetRange, record: KafkaMessage) => void,
): Promise<void> {
  const open = new Map(ranges.filter(({ start, end }) => start < end).map((range) => [nameOf(range), range]));
  if (open.size === 0) return;
  const next = new Map([...open].map(([name, { start }]) => [name, start]));
  const topics = [...new Set([...open.values()].map(({ topic }) => topic))];
  const consumer = kafka.consumer({ groupId: `miniredis-read-${uuidv4()}`, maxWaitTimeInMs: 100 });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  done.catch(() => {});
  const seekAll = (): void => {
    for (const [name, { topic, partition }] of open)
      consumer.seek({ topic, partition, offset: String(next.get(name)) });
  };
  let crashes = 0;
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    crashes += 1;
    // A broker that has just started keeps groups waiting; KafkaJS begins anew by itself then.
    if (!restart || crashes === crashesMax) reject(error);
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    // A group that gathers anew has forgotten where it was.
    consumer.on(consumer.events.GROUP_JOIN, seekAll);
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch: { topic, partition, messages } }) => {
        const name = nameOf({ topic, partition });
        for (const message of messages) {
          const range = open.get(name);
          const offset = Number(message.offset);
          if (range === undefined || offset < (next.get(name) ?? 0)) continue;
          if (offset < range.end) take(range, message);
          next.set(name, offset + 1);
          if (offset + 1 >= range.end) open.delete(name);
        }
        if (open.size === 0) resolve();
        return Promise.resolve();
      },
    });
    await done;
  } finally {
    await consumer.disconnect().catch(() => {});
  }
}

function nameOf({ topic, partition }: Pick<OffsetRange, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}
