import { entriesIn } from '../../keyspace/stream-entries.ts';
import { byName } from '../../keyspace/stream-group.ts';
import type { StreamGroup } from '../../keyspace/stream-group.ts';
import { formatId, MIN_ID } from '../../keyspace/stream-id.ts';
import { idOfRecord, wordsOf } from '../../keyspace/stream-record.ts';
import type { StreamValue } from '../../keyspace/stream-value.ts';

/** The commands that make a stream as it is, as Redis writes them. */
export function* streamCommands(key: string, stream: StreamValue): Generator<readonly string[]> {
  for (const block of stream.blocks) {
    for (const record of entriesIn(block.entries))
      yield ['XADD', key, formatId(idOfRecord(record)), ...wordsOf(record)];
  }
  const lastId = formatId(stream.lastId);
  // An empty stream is made by an entry that is trimmed at once; no entry can have the ID 0-0.
  if (stream.size === 0) yield ['XADD', key, 'MAXLEN', '0', stream.lastId === MIN_ID ? '0-1' : lastId, 'x', 'y'];
  const added = String(stream.entriesAdded);
  yield ['XSETID', key, lastId, 'ENTRIESADDED', added, 'MAXDELETEDID', formatId(stream.maxDeletedId)];
  for (const [name, group] of byName(stream.groups)) yield* groupCommands(key, name, group);
}

function* groupCommands(key: string, name: string, group: StreamGroup): Generator<readonly string[]> {
  yield ['XGROUP', 'CREATE', key, name, formatId(group.lastId), 'ENTRIESREAD', String(group.entriesRead)];
  for (const [consumer, { pending }] of byName(group.consumers)) {
    yield ['XGROUP', 'CREATECONSUMER', key, name, consumer];
    for (const [id, { deliveredAtMs, deliveries }] of pending.from('')) {
      const delivery = ['TIME', String(deliveredAtMs), 'RETRYCOUNT', String(deliveries), 'JUSTID', 'FORCE'];
      yield ['XCLAIM', key, name, consumer, '0', formatId(id), ...delivery];
    }
  }
}
