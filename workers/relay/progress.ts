import { placeOf } from '#infra/kafka/event-record.ts';
import { readRecords, type OffsetRange } from '#infra/kafka/read-records.ts';
import { findEventTopics, watermarksTopic } from '#infra/kafka/topics.ts';
import { decodeWatermark, type Watermark } from '#infra/kafka/watermark.ts';
import type { Admin, Kafka } from 'kafkajs';

/** A partition of a topic of events. */
export interface PartitionProgress {
  /** Events up to this position are in it already, as far as they belong there. */
  through: bigint;
  /** The offset that the next record gets. */
  next: number;
}

/** What Kafka has already. */
export interface Progress {
  /** Every event up to here is in its partition. */
  position: bigint;
  readonly topics: Map<string, PartitionProgress[]>;
}

/**
 * Learns from Kafka alone how far an earlier relay came: from the last watermark, which speaks of all partitions, and the last
 * record of each partition, which may be further. A partition that holds less than the watermark says (its topic was deleted and
 * made again) is filled from its own end on.
 */
export async function readProgress(kafka: Kafka, admin: Admin): Promise<Progress> {
  const found = await findEventTopics(admin);
  const ends = new Map<string, readonly OffsetRange[]>();
  for (const topic of [watermarksTopic, ...found.keys()]) ends.set(topic, await lastOf(admin, topic));

  let watermark: Watermark | null = null;
  const highest = new Map<OffsetRange, bigint>();
  await readRecords(kafka, [...ends.values()].flat(), (range, record) => {
    if (range.topic === watermarksTopic) watermark = decodeWatermark(record.value);
    else highest.set(range, placeOf(record).position);
  });

  const topics = new Map<string, PartitionProgress[]>();
  for (const topic of found.keys()) {
    const partitions = (ends.get(topic) ?? []).map((range) => ({
      through: throughOf(range, watermark, highest.get(range) ?? 0n),
      next: range.end,
    }));
    topics.set(topic, partitions);
  }
  const known = [...topics.values()].flat().map(({ through }) => through);
  return { position: leastOf(known, missesTopic(watermark, topics) ? 0n : positionOf(watermark)), topics };
}

function positionOf(watermark: Watermark | null): bigint {
  return watermark?.position ?? 0n;
}

/** Whether a topic that held events is gone altogether. */
function missesTopic(watermark: Watermark | null, topics: ReadonlyMap<string, unknown>): boolean {
  const named = [...(watermark?.offsets ?? [])].filter(([, offsets]) => offsets.some((offset) => offset > 0));
  return named.some(([topic]) => !topics.has(topic));
}

function throughOf(range: OffsetRange, watermark: Watermark | null, highest: bigint): bigint {
  const claimed = watermark?.offsets.get(range.topic)?.[range.partition] ?? 0;
  const whole = range.end >= claimed;
  const position = whole ? positionOf(watermark) : 0n;
  return highest > position ? highest : position;
}

function leastOf(positions: readonly bigint[], otherwise: bigint): bigint {
  return positions.reduce((least, position) => (position < least ? position : least), otherwise);
}

/** The last record of each partition, in the order of partitions; an empty range where there is none. */
async function lastOf(admin: Admin, topic: string): Promise<OffsetRange[]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets
    .toSorted((a, b) => a.partition - b.partition)
    .map(({ partition, high, low }) => {
      const end = Number(high);
      return { topic, partition, start: Math.max(Number(low), end - 1), end };
    });
}
