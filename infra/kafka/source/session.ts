import type { StoredEvent } from '#infra/event-log/codec.ts';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { v4 as uuidv4 } from 'uuid';

import { placeOf, storedEvent } from '../event-record.ts';
import { disconnect } from '../disconnect.ts';
import { watermarksTopic } from '../topics.ts';
import { decodeWatermark } from '../watermark.ts';
import { createMerge, type Merge } from './merge.ts';
import type { Starts } from './starts.ts';

/** A partition with so many events waiting for others is read no further until they have come. */
const waitingMax = 4000;

/** Something that a new session from where this one came puts right, such as a topic that is new. */
export class Anew extends Error {
  override readonly name = 'Anew';
}

export interface SourceSession {
  readonly merge: Merge<StoredEvent>;
  /** Resolves when there may be more to take; rejects when the session is over. */
  news(): Promise<void>;
  /** What was taken makes room. */
  taken(): void;
  close(): Promise<void>;
}

/**
 * Reads the partitions into a merge. KafkaJS reads for groups alone, so each session is a group of one that commits nothing: where
 * to read on is known here. When the group is gathered anew, be it that somebody else joined it, reading goes on from there.
 */
export async function openSession(
  kafka: Kafka,
  name: string,
  after: bigint,
  starts: Starts,
  isWanted: (topic: string) => boolean,
): Promise<SourceSession> {
  const merge = createMerge<StoredEvent>(after, starts.partitions);
  const consumer = kafka.consumer({
    groupId: `miniredis-${name}-${uuidv4()}`,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 250,
    sessionTimeout: 10_000,
    rebalanceTimeout: 10_000,
    heartbeatInterval: 1000,
    // It would go on in the same group, where its former self is still waited for; a new group is faster.
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  const { promise: over, reject: end } = Promise.withResolvers<never>();
  over.catch(() => {});
  let news = Promise.withResolvers<void>();
  let nextWatermark = starts.watermarks;
  const paused = new Set<string>();

  const seekAll = (): void => {
    consumer.seek({ topic: watermarksTopic, partition: 0, offset: String(nextWatermark) });
    for (const { topic, partition } of starts.partitions) {
      consumer.seek({ topic, partition, offset: String(merge.next(topic, partition)) });
    }
  };

  const takeWatermarks = ({ batch: { messages } }: EachBatchPayload): void => {
    for (const { offset, value } of messages) {
      if (Number(offset) < nextWatermark) continue;
      nextWatermark = Number(offset) + 1;
      const unknown = merge.addWatermark(decodeWatermark(value), isWanted);
      if (unknown.length > 0) end(new Anew(`${unknown.join(', ')} is new`));
    }
  };

  const takeEvents = ({ batch: { topic, partition, messages } }: EachBatchPayload): void => {
    for (const message of messages) {
      const offset = Number(message.offset);
      const expected = merge.next(topic, partition);
      if (expected === undefined || offset < expected) continue;
      // Events' topics have no gaps, so records were removed under the reader's eyes, or it was moved elsewhere.
      if (offset > expected) return end(new Anew(`${topic}/${partition} goes on at ${offset}, not at ${expected}`));
      const waiting = merge.add(topic, partition, { offset, ...placeOf(message), item: storedEvent(message) });
      if (waiting >= waitingMax) pause(consumer, paused, topic, partition);
    }
  };

  consumer.on(consumer.events.CRASH, ({ payload: { error } }) => end(error));
  consumer.on(consumer.events.GROUP_JOIN, seekAll);
  const close = (): Promise<void> => disconnect(consumer);
  try {
    await consumer.connect();
    const topics = new Set(starts.partitions.map(({ topic }) => topic));
    await consumer.subscribe({ topics: [watermarksTopic, ...topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: (payload) => {
        try {
          if (payload.batch.topic === watermarksTopic) takeWatermarks(payload);
          else takeEvents(payload);
          news.resolve();
        } catch (error) {
          end(error);
        }
        return Promise.resolve();
      },
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    merge,
    async news() {
      await Promise.race([news.promise, over]);
      news = Promise.withResolvers<void>();
    },
    taken() {
      if (paused.size === 0) return;
      const full = new Set(merge.waiting(waitingMax / 2).map(({ topic, partition }) => `${topic}/${partition}`));
      for (const place of paused) if (!full.has(place)) resume(consumer, paused, place);
    },
    close,
  };
}

function pause(consumer: Consumer, paused: Set<string>, topic: string, partition: number): void {
  const place = `${topic}/${partition}`;
  if (paused.has(place)) return;
  paused.add(place);
  consumer.pause([{ topic, partitions: [partition] }]);
}

function resume(consumer: Consumer, paused: Set<string>, place: string): void {
  const slash = place.lastIndexOf('/');
  paused.delete(place);
  consumer.resume([{ topic: place.slice(0, slash), partitions: [Number(place.slice(slash + 1))] }]);
}
