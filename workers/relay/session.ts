import type { StoredEvent } from '#infra/event-log/codec.ts';
import type { StoredEvents } from '#infra/event-log/stored-events.ts';
import { categoryOf } from '#domains/kernel/envelope.ts';
import {
  ensureEventTopic,
  ensureWatermarksTopic,
  eventTopic,
  watermarksTopic,
  type TopicSettings,
} from '#infra/kafka/topics.ts';
import { encodeWatermark, watermarkKey } from '#infra/kafka/watermark.ts';
import type { Admin, Kafka, Producer, TopicMessages } from 'kafkajs';

import type { Lease } from './lease.ts';
import { readAhead } from './read-ahead.ts';
import { readProgress, type PartitionProgress, type Progress } from './progress.ts';
import { roundsOf, type Round } from './rounds.ts';

/** Events that are read at once, while those before them are sent. */
const readAtOnce = 2000;

export interface SessionOptions {
  readonly kafka: Kafka;
  readonly source: StoredEvents;
  readonly settings: TopicSettings;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  /** Told how far Kafka has acknowledged everything. */
  readonly relayed: (position: bigint) => void;
}

/**
 * Relays from what Kafka has to the present and on, until the signal aborts. Rejects at the first thing that goes wrong: a producer
 * whose last request has an unknown end must not send another, or Kafka may take that for a repeat of the first. The next session
 * begins from what Kafka has then.
 */
export async function relaySession(options: SessionOptions): Promise<void> {
  const { kafka, settings, signal } = options;
  const admin = kafka.admin();
  // Where a record goes is decided where rounds are cut.
  const createPartitioner = () => (args: { message: { partition?: number } }) => args.message.partition ?? 0;
  const producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false, createPartitioner });
  try {
    await admin.connect();
    await producer.connect();
    await ensureWatermarksTopic(admin, settings);
    const progress = await readProgress(kafka, admin);
    await refuseForeignLog(options.source, progress);
    signal.throwIfAborted();
    await relayFrom(options, admin, producer, progress);
  } finally {
    await Promise.all([producer.disconnect().catch(() => {}), admin.disconnect().catch(() => {})]);
  }
}

/** A log that ends before what Kafka has is not the one that was relayed; going on would give positions another meaning. */
async function refuseForeignLog(source: StoredEvents, { position, topics }: Progress): Promise<void> {
  const head = await source.head();
  const furthest = [...topics.values()]
    .flat()
    .reduce((most, { through }) => (through > most ? through : most), position);
  if (furthest > head) {
    throw new Error(
      `Kafka holds events up to position ${furthest}, the log only up to ${head}: the database was restored to an earlier state, or these are the topics of another platform. Delete the topics miniredis.* to have them filled again.`,
    );
  }
}

async function relayFrom(
  { source, settings, lease, signal, relayed }: SessionOptions,
  admin: Admin,
  producer: Producer,
  { position, topics }: Progress,
): Promise<void> {
  let acknowledged = position;
  let told: bigint | null = null;

  const send = async (topicMessages: TopicMessages[]): Promise<void> => {
    if (!lease.holds()) throw new Error('Another relay may have taken over.');
    for (const { topicName, partition, baseOffset } of await producer.sendBatch({ topicMessages })) {
      const sent = topicMessages.find(({ topic }) => topic === topicName)?.messages ?? [];
      const state = topics.get(topicName)?.[partition];
      const count = sent.filter((message) => message.partition === partition).length;
      if (state !== undefined) state.next = Number(baseOffset) + count;
    }
  };

  const sendRound = async (round: Round, more: () => boolean): Promise<void> => {
    const messages = messagesOf(round);
    // While there is more to send, the watermark of the last round travels with the next.
    if (messages.length > 0) await send(told === acknowledged ? messages : [...messages, watermark()]);
    acknowledged = round.position;
    relayed(acknowledged);
    if (!more() || messages.length === 0) await tell();
  };

  const watermark = (): TopicMessages => {
    const offsets = new Map([...topics].map(([topic, partitions]) => [topic, partitions.map(({ next }) => next)]));
    const value = encodeWatermark({ epoch: lease.epoch, position: acknowledged, offsets });
    told = acknowledged;
    return { topic: watermarksTopic, messages: [{ key: watermarkKey, value, partition: 0 }] };
  };

  const tell = (): Promise<void> => send([watermark()]);

  const ensureTopics = async (events: readonly StoredEvent[]): Promise<void> => {
    for (const topic of new Set(events.map(({ stream }) => eventTopic(categoryOf(stream))))) {
      if (topics.has(topic)) continue;
      const count = await ensureEventTopic(admin, topic, settings);
      topics.set(
        topic,
        Array.from({ length: count }, (): PartitionProgress => ({ through: acknowledged, next: 0 })),
      );
    }
  };

  // With the new epoch, whatever a relay before this one still sends is recognised from here on.
  await tell();
  relayed(acknowledged);
  const partitionsOf = (topic: string): readonly PartitionProgress[] => topics.get(topic) ?? [];
  const ending = new AbortController();
  const batches = source.follow({
    after: position,
    batchSize: readAtOnce,
    signal: AbortSignal.any([signal, ending.signal]),
  });
  try {
    for await (const { item: events, more } of readAhead(batches)) {
      await ensureTopics(events);
      const rounds = [...roundsOf(events, lease.epoch, partitionsOf)];
      for (const [n, round] of rounds.entries()) await sendRound(round, () => n < rounds.length - 1 || more());
    }
  } finally {
    ending.abort();
  }
}

function messagesOf({ records }: Round): TopicMessages[] {
  return [...records].map(([topic, partitions]) => ({
    topic,
    messages: [...partitions].flatMap(([partition, batch]) => batch.map((record) => ({ ...record, partition }))),
  }));
}
