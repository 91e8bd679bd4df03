import { addConsumer, addGroup, assign } from './stream-group.ts';
import { unshared } from './stream-entries.ts';
import { StreamValue } from './stream-value.ts';

/** Blocks, and pending entries, that are copied from one step to the next. */
const BLOCKS_AT_ONCE = 8;
const PENDING_AT_ONCE = 256;

/** A stream of its own with the same entries, groups, consumers and pending lists, made in steps. */
export function* copyStream(stream: StreamValue): Generator<void, StreamValue> {
  const copy = new StreamValue();
  for (const [i, block] of stream.blocks.entries()) {
    copy.appendBlock({ ...block, entries: unshared(block.entries) });
    if (i % BLOCKS_AT_ONCE === 0) yield;
  }
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
        if (reader.pending.size % PENDING_AT_ONCE === 0) yield;
      }
    }
  }
  return copy;
}
