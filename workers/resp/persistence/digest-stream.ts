import { entriesIn } from '../keyspace/stream-entries.ts';
import { byName } from '../keyspace/stream-group.ts';
import { formatId } from '../keyspace/stream-id.ts';
import { idOfRecord, wordsOf } from '../keyspace/stream-record.ts';
import type { StreamValue } from '../keyspace/stream-value.ts';

/** How many blocks or pending entries are added between two looks at the clock. */
const SLICE = 2;
const SLICE_PENDING = 128;

/**
 * Adds a stream to the text of a digest: its counters, its entries in order, and its groups by name, each with its
 * position, its consumers by name and what is pending by ID. When consumers were last seen is left out: it changes by
 * reading alone, and nothing journals it.
 */
export function* addStream(add: (part: string) => void, stream: StreamValue): Generator<void> {
  const { lastId, maxDeletedId, entriesAdded } = stream;
  add(`${formatId(lastId)} ${formatId(maxDeletedId)} ${entriesAdded} ${stream.size} `);
  let blocks = 0;
  for (const { entries } of stream.blocks) {
    for (const record of entriesIn(entries)) {
      const words = wordsOf(record);
      add(`${formatId(idOfRecord(record))} ${words.length} `);
      for (const word of words) add(sized(word));
    }
    if (++blocks % SLICE === 0) yield;
  }
  for (const [name, group] of byName(stream.groups)) {
    add(`${sized(name)}${formatId(group.lastId)} ${group.entriesRead} ${group.consumers.size} `);
    for (const [consumer] of byName(group.consumers)) add(sized(consumer));
    let pending = 0;
    for (const [id, { consumer, deliveredAtMs, deliveries }] of group.pending.from('')) {
      add(`${formatId(id)} ${sized(consumer.name)}${deliveredAtMs} ${deliveries} `);
      if (++pending % SLICE_PENDING === 0) yield;
    }
  }
}

function sized(text: string): string {
  return `${text.length}:${text}`;
}
