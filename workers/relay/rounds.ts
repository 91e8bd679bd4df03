import { categoryOf } from '#domains/kernel/envelope.ts';
import type { StoredEvent } from '#infra/event-log/codec.ts';
import { eventRecord, recordBytes, type EventRecord } from '#infra/kafka/event-record.ts';
import { partitionOf } from '#infra/kafka/partition.ts';
import { batchBytesMax, eventTopic } from '#infra/kafka/topics.ts';

import type { PartitionProgress } from './progress.ts';

/** Records that go out together: those of one partition fit into one batch, and nothing is sent before the last round is acknowledged. */
export interface Round {
  /** By topic, then partition. */
  readonly records: ReadonlyMap<string, ReadonlyMap<number, EventRecord[]>>;
  /** The last event of it. */
  readonly position: bigint;
}

/**
 * Cuts events into rounds, each event in the partition of its stream; what a partition has already is left out. `topicOf` gives
 * the state of a topic's partitions.
 */
export function* roundsOf(
  events: readonly StoredEvent[],
  epoch: bigint,
  topicOf: (topic: string) => readonly PartitionProgress[],
): Generator<Round> {
  let records = new Map<string, Map<number, EventRecord[]>>();
  let bytes = new Map<EventRecord[], number>();
  let position = 0n;
  for (const event of events) {
    const topic = eventTopic(categoryOf(event.stream));
    const partitions = topicOf(topic);
    const partition = partitionOf(event.stream, partitions.length);
    if (event.position > (partitions[partition]?.through ?? 0n)) {
      const record = eventRecord(event, epoch);
      const size = recordBytes(record);
      const before = bytes.get(records.get(topic)?.get(partition) ?? []) ?? 0;
      if (before + size > batchBytesMax && before > 0) {
        yield { records, position };
        records = new Map();
        bytes = new Map();
      }
      const batch = batchOf(records, topic, partition);
      batch.push(record);
      bytes.set(batch, (bytes.get(batch) ?? 0) + size);
    }
    ({ position } = event);
  }
  if (position > 0n) yield { records, position };
}

function batchOf(records: Map<string, Map<number, EventRecord[]>>, topic: string, partition: number): EventRecord[] {
  let partitions = records.get(topic);
  if (partitions === undefined) records.set(topic, (partitions = new Map()));
  let batch = partitions.get(partition);
  if (batch === undefined) partitions.set(partition, (batch = []));
  return batch;
}
