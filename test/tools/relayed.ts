import type { StoredEvent } from '#infra/event-log/codec.ts';
import { placeOf, storedEvent } from '#infra/kafka/event-record.ts';
import { readRecords, type OffsetRange } from '#infra/kafka/read-records.ts';
import { findEventTopics, watermarksTopic } from '#infra/kafka/topics.ts';
import { decodeWatermark, type Watermark } from '#infra/kafka/watermark.ts';
import type { Kafka, KafkaMessage } from 'kafkajs';

import { withAdmin } from './kafka.ts';

/** A record of an event, and where it lies. */
export interface Relayed {
  readonly topic: string;
  readonly partition: number;
  readonly record: KafkaMessage;
}

/** Everything that relays have sent, in the order of each partition. */
export async function everythingRelayed(client: Kafka): Promise<{ events: Relayed[]; watermarks: Watermark[] }> {
  const events: Relayed[] = [];
  const watermarks: Watermark[] = [];
  const ranges: OffsetRange[] = [];
  await withAdmin(client, async (admin) => {
    for (const topic of [watermarksTopic, ...(await findEventTopics(admin)).keys()]) {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
        ranges.push({ topic, partition, start: Number(low), end: Number(high) });
      }
    }
  });
  await readRecords(client, ranges, ({ topic, partition }, record) => {
    if (topic === watermarksTopic) watermarks.push(decodeWatermark(record.value));
    else events.push({ topic, partition, record });
  });
  return { events, watermarks };
}

/** What a consumer is left with that goes by the rules of docs/kafka.md: no repeats, and nothing of a relay that was replaced. */
export function seenByTheRules(events: readonly Relayed[]): StoredEvent[] {
  const last = new Map<string, { position: bigint; epoch: bigint }>();
  const seen = events.flatMap(({ topic, partition, record }) => {
    const name = `${topic}/${partition}`;
    const place = placeOf(record);
    const before = last.get(name) ?? { position: 0n, epoch: 0n };
    if (place.epoch < before.epoch || place.position <= before.position) return [];
    last.set(name, place);
    return [storedEvent(record)];
  });
  return byPosition(seen);
}

/** All of them, repeats included, in the one order of the log. */
export function allOf(events: readonly Relayed[]): StoredEvent[] {
  return byPosition(events.map(({ record }) => storedEvent(record)));
}

export function epochsOf(events: readonly Relayed[]): Set<bigint> {
  return new Set(events.map(({ record }) => placeOf(record).epoch));
}

function byPosition(events: readonly StoredEvent[]): StoredEvent[] {
  return events.toSorted((a, b) => Number(a.position - b.position));
}
