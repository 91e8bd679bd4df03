import { addConsumer, addGroup, assign } from './stream-group.ts';
import { StreamValue } from './stream-value.ts';

/** A stream of its own with the same entries, groups, consumers and pending lists. */
export function copyStream(stream: StreamValue): StreamValue {
  const copy = new StreamValue();
  for (const block of stream.blocks) copy.appendBlock({ ...block, records: block.records.slice() });
  copy.lastId = stream.lastId;
  copy.maxDeletedId = stream.maxDeletedId;
  copy.entriesAdded = stream.entriesAdded;
  for (const [name, group] of stream.groups ?? []) {
    const other = addGroup(copy, name, group.lastId, group.entriesRead);
    for (const { name: consumer, seenAtMs, activeAtMs, pending } of group.consumers.values()) {
      const reader = addConsumer(copy, other, consumer, seenAtMs);
      reader.activeAtMs = activeAtMs;
      for (const [id, { deliveredAtMs, deliveries }] of pending.from('')) {
        assign(copy, other, id, reader, deliveredAtMs).deliveries = deliveries;
      }
    }
  }
  return copy;
}
