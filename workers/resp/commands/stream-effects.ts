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

/**
 * Records the state of pending entries (or, when an entry is gone, that it is not pending any more), by XCLAIM as Redis does:
 * one for all that follow each other and are in the same state.
 */
export class Claims {
  private readonly client: Client;
  private readonly at: GroupAt;
  private ids: string[] = [];
  private consumer = '';
  private deliveredAtMs = 0;
  private deliveries = 0;

  constructor(client: Client, at: GroupAt) {
    this.client = client;
    this.at = at;
  }

  add(id: StreamId, { consumer, deliveredAtMs, deliveries }: Pending): void {
    const { node } = this.client;
    node.dirty++;
    node.rewritten = true;
    if (!node.propagates) return;
    if (consumer.name !== this.consumer || deliveredAtMs !== this.deliveredAtMs || deliveries !== this.deliveries) {
      this.end();
      this.consumer = consumer.name;
      this.deliveredAtMs = deliveredAtMs;
      this.deliveries = deliveries;
    }
    this.ids.push(formatId(id));
  }

  /** To be called after the last one. */
  end(): void {
    const { at, client, ids } = this;
    if (ids.length === 0) return;
    const state = ['TIME', String(this.deliveredAtMs), 'RETRYCOUNT', String(this.deliveries), 'FORCE', 'JUSTID'];
    const args = ['XCLAIM', at.key, at.name, this.consumer, '0'].concat(
      ids,
      state,
      'LASTID',
      formatId(at.group.lastId),
    );
    client.node.propagate(client.db.index, args);
    this.ids = [];
  }
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
