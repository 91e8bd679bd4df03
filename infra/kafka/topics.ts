import type { KafkaSettings } from '#infra/config/config.ts';
import { backOff } from '#infra/event-log/postgres/transient.ts';
import type { Admin, ITopicConfig } from 'kafkajs';

/** Where the relay says how far it has come; see `Watermark`. */
export const watermarksTopic = 'miniredis.watermarks.v1';

/** Commands come in here, as over HTTP, and what became of them goes out there. */
export const commandsTopic = 'miniredis.commands.v1';
export const outcomesTopic = 'miniredis.outcomes.v1';

/** Topics that look like those of events; no category has such a name. */
const otherTopics: readonly string[] = [watermarksTopic, commandsTopic, outcomesTopic];
const eventTopicName = /^miniredis\.[A-Za-z0-9._]+\.v1$/;

/** The most that Kafka takes of one partition in one request, with what its framing needs. */
export const batchBytesMax = 900_000;

/** The topic of a category's events; what Kafka allows in no name becomes an underscore. */
export function eventTopic(category: string): string {
  return `miniredis.${category.replaceAll(/[^A-Za-z0-9._]/g, '_')}.v1`;
}

/** Every topic of events there is, with the number of its partitions. */
export async function findEventTopics(admin: Admin): Promise<Map<string, number>> {
  const names = (await admin.listTopics()).filter((name) => eventTopicName.test(name) && !otherTopics.includes(name));
  if (names.length === 0) return new Map();
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  return new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
}

/** Creates a topic of events, unless it is there; returns how many partitions it has. Its records are kept as long as the log's. */
export function ensureEventTopic(admin: Admin, topic: string, settings: TopicSettings): Promise<number> {
  return create(admin, {
    ...shape(topic, settings.partitions, settings),
    configEntries: [
      { name: 'cleanup.policy', value: 'delete' },
      { name: 'retention.ms', value: '-1' },
      { name: 'max.message.bytes', value: '1048588' },
    ],
  });
}

/** Creates the topic of watermarks, of which only the newest is kept. */
export async function ensureWatermarksTopic(admin: Admin, settings: TopicSettings): Promise<void> {
  await create(admin, {
    ...shape(watermarksTopic, 1, settings),
    configEntries: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'segment.bytes', value: String(16 * 1024 * 1024) },
      { name: 'segment.ms', value: '3600000' },
    ],
  });
}

/** Creates the topics of commands and their outcomes, unless they are there; they are kept as long as the brokers keep topics by default. */
export async function ensureCommandTopics(admin: Admin, settings: TopicSettings): Promise<void> {
  for (const topic of [commandsTopic, outcomesTopic]) await create(admin, shape(topic, settings.partitions, settings));
}

export type TopicSettings = Pick<KafkaSettings, 'partitions' | 'replication'>;

function shape(topic: string, numPartitions: number, { replication }: TopicSettings): ITopicConfig {
  return { topic, numPartitions, replicationFactor: replication === 0 ? -1 : replication };
}

/** Brokers that have just made a topic may not know it, or its leaders, for a moment. */
const attempts = 10;

/** Returns how many partitions the topic has. */
async function create(admin: Admin, topic: ITopicConfig): Promise<number> {
  // Leaders are waited for below. A topic that was there before stays as it is.
  await admin.createTopics({ topics: [topic], waitForLeaders: false });
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await countPartitions(admin, topic.topic);
    } catch (error) {
      if (attempt === attempts) throw error;
      await backOff(attempt);
    }
  }
}

async function countPartitions(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const partitions = topics[0]?.partitions ?? [];
  const ready = partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
  if (!ready) throw new Error(`Kafka has no leader yet for each partition of ${topic}.`);
  return partitions.length;
}
