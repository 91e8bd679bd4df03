import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { addConsumer } from '../keyspace/stream-group.ts';
import type { Consumer, Pending, StreamGroup } from '../keyspace/stream-group.ts';
import { formatId } from '../keyspace/stream-id.ts';
import type { StreamId } from '../keyspace/stream-id.ts';
import type { StreamValue } from '../keyspace/stream-value.ts';

/** A group of a stream that is being read or claimed from. */
export interface GroupAt {
  readonly key: string;
  readonly stream: StreamValue;
  readonly name: string;
  readonly group: StreamGroup;
}

/** The consumer of a name, made when it is new; it has been seen now. */
export function consumerOf(client: Client, { key, stream, name, group }: GroupAt, consumerName: string): Consumer {
  const { db, node } = client;
  let consumer = group.consumers.get(consumerName);
  if (consumer === undefined) {
    consumer = addConsumer(stream, group, consumerName, clock.now);
    node.dirty++;
    node.notify('t', 'xgroup-createconsumer', key, db.index);
    node.propagate(db.index, ['XGROUP', 'CREATECONSUMER', key, name, consumerName]);
  }
  consumer.seenAtMs = clock.now;
  return consumer;
}

/** Records the state of a pending entry (or, when the entry is gone, that it is not pending any more), as Redis does. */
export function propagateClaim(client: Client, { key, name, group }: GroupAt, id: StreamId, pending: Pending): void {
  const { db, node } = client;
  node.dirty++;
  node.rewritten = true;
  if (!node.propagates) return;
  node.propagate(db.index, [
    'XCLAIM',
    key,
    name,
    pending.consumer.name,
    '0',
    formatId(id),
    'TIME',
    String(pending.deliveredAtMs),
    'RETRYCOUNT',
    String(pending.deliveries),
    'FORCE',
    'JUSTID',
    'LASTID',
    formatId(group.lastId),
  ]);
}

/** Records a group's position. */
export function propagatePosition(client: Client, { key, name, group }: GroupAt): void {
  const { db, node } = client;
  node.dirty++;
  node.rewritten = true;
  if (!node.propagates) return;
  const position = [formatId(group.lastId), 'ENTRIESREAD', String(group.entriesRead)];
  node.propagate(db.index, ['XGROUP', 'SETID', key, name, ...position]);
}
