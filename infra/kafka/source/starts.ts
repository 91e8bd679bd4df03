import type { Admin } from 'kafkajs';

import { eventTopic, findEventTopics, watermarksTopic } from '../topics.ts';
import type { PartitionStart } from './merge.ts';

/** EventStoreDB's clock may have gone back so far; what is read again is passed over. */
const clockBack_ms = 10_000;

/** Where to begin in Kafka, to have everything after a position. */
export interface Starts {
  readonly partitions: readonly PartitionStart[];
  /** Of the one partition of watermarks: its last record. */
  readonly watermarks: number;
}

/**
 * The offsets behind which everything after a position lies, in the topics of these categories (undefined: in all). They are found by
 * time, since a record has the time of its event: `timeOf` gives that of a position. Throws when Kafka has not kept all of it.
 */
export async function findStarts(
  admin: Admin,
  after: bigint,
  categories: readonly string[] | undefined,
  timeOf: (position: bigint) => Promise<Date | null>,
): Promise<Starts> {
  const wanted = categories === undefined ? null : new Set(categories.map(eventTopic));
  const topics = [...(await findEventTopics(admin)).keys()].filter((topic) => wanted?.has(topic) ?? true);
  const time = after === 0n ? null : await timeOf(after);
  const partitions: PartitionStart[] = [];
  for (const topic of topics) {
    const ends = await admin.fetchTopicOffsets(topic);
    const byTime =
      time === null ? null : await admin.fetchTopicOffsetsByTimestamp(topic, time.getTime() - clockBack_ms);
    for (const { partition, low } of ends) {
      const offset = byTime?.find((one) => one.partition === partition)?.offset ?? low;
      if (offset === low && Number(low) > 0) {
        throw new Error(
          `Kafka no longer has what follows position ${after} in ${topic}: its first records were removed. Delete the topic and start the relay again to have it filled from the log.`,
        );
      }
      partitions.push({ topic, partition, offset: Number(offset) });
    }
  }
  const [watermarks] = await admin.fetchTopicOffsets(watermarksTopic);
  return { partitions, watermarks: Math.max(0, Number(watermarks?.high ?? 0) - 1) };
}
