import { IdMap } from './id-map.ts';
import { stringBytes } from './sizes.ts';
import type { StreamId } from './stream-id.ts';

/** An entry that was delivered and not acknowledged yet. */
export interface Pending {
  consumer: Consumer;
  deliveredAtMs: number;
  deliveries: number;
}

/** Someone who reads as part of a group. */
export interface Consumer {
  readonly name: string;
  /** When it last tried to read or claim. */
  seenAtMs: number;
  /** When it last got something; -1 before that. */
  activeAtMs: number;
  readonly pending: IdMap<Pending>;
}

/** The position that consumers of a stream share, and what they have not acknowledged. */
export interface StreamGroup {
  lastId: StreamId;
  /** How many entries of the stream lie before the position; -1 when that is not known. */
  entriesRead: number;
  readonly pending: IdMap<Pending>;
  readonly consumers: Map<string, Consumer>;
}

/** An entry of a pending list, as measured: its object and time, its ID, its places in the group's list and the consumer's. */
const PENDING_BYTES = 138;
const CONSUMER_BYTES = 192;
const GROUP_BYTES = 480;

/** What a stream is to its groups. */
interface GroupOwner {
  bytes: number;
  groups: Map<string, StreamGroup> | undefined;
}

/** Adds a group that must not be there yet. */
export function addGroup(stream: GroupOwner, name: string, lastId: StreamId, entriesRead: number): StreamGroup {
  const group: StreamGroup = { lastId, entriesRead, pending: new IdMap(), consumers: new Map() };
  (stream.groups ??= new Map()).set(name, group);
  stream.bytes += GROUP_BYTES + stringBytes(name);
  return group;
}

/** Removes a group and says whether it was there. */
export function removeGroup(stream: GroupOwner, name: string): boolean {
  const group = stream.groups?.get(name);
  if (group === undefined) return false;
  for (const consumer of group.consumers.values()) stream.bytes -= bytesOf(consumer);
  stream.groups!.delete(name);
  stream.bytes -= GROUP_BYTES + stringBytes(name);
  return true;
}

/** Adds a consumer that must not be there yet. */
export function addConsumer(stream: GroupOwner, group: StreamGroup, name: string, nowMs: number): Consumer {
  const consumer: Consumer = { name, seenAtMs: nowMs, activeAtMs: -1, pending: new IdMap() };
  group.consumers.set(name, consumer);
  stream.bytes += CONSUMER_BYTES + stringBytes(name);
  return consumer;
}

function bytesOf({ name, pending }: Consumer): number {
  return CONSUMER_BYTES + stringBytes(name) + pending.size * PENDING_BYTES;
}

/** Removes a consumer whose pending entries were taken off the group's list. */
export function removeConsumer(stream: GroupOwner, group: StreamGroup, consumer: Consumer): void {
  group.consumers.delete(consumer.name);
  stream.bytes -= bytesOf(consumer);
}

/** Makes an entry pending for a consumer, whoever may have had it before. */
export function assign(
  stream: GroupOwner,
  group: StreamGroup,
  id: StreamId,
  consumer: Consumer,
  nowMs: number,
): Pending {
  const existing = group.pending.get(id);
  if (existing !== undefined) {
    move(existing, id, consumer);
    return existing;
  }
  const pending: Pending = { consumer, deliveredAtMs: nowMs, deliveries: 1 };
  group.pending.set(id, pending);
  consumer.pending.set(id, pending);
  stream.bytes += PENDING_BYTES;
  return pending;
}

/** Gives a pending entry to another consumer. */
export function move(pending: Pending, id: StreamId, consumer: Consumer): void {
  if (pending.consumer === consumer) return;
  pending.consumer.pending.delete(id);
  pending.consumer = consumer;
  consumer.pending.set(id, pending);
}

/** Takes an entry off the pending lists and says whether it was there. */
export function release(stream: GroupOwner, group: StreamGroup, id: StreamId): boolean {
  const pending = group.pending.get(id);
  if (pending === undefined) return false;
  group.pending.delete(id);
  pending.consumer.pending.delete(id);
  stream.bytes -= PENDING_BYTES;
  return true;
}

/** The groups of a stream as they are now: about 0.05 µs for each pending entry. */
export function copyGroups(groups: ReadonlyMap<string, StreamGroup>): Map<string, StreamGroup> {
  const copies = new Map<string, StreamGroup>();
  for (const [name, group] of groups) {
    const consumers = new Map<string, Consumer>();
    for (const [consumer, { pending, ...rest }] of group.consumers) {
      consumers.set(consumer, { ...rest, pending: pending.map((entry) => entry) });
    }
    copies.set(name, { ...group, pending: group.pending.map((entry) => ({ ...entry })), consumers });
  }
  return copies;
}

/** A map's entries in the order of their names' bytes, as Redis lists groups and consumers. */
export function byName<V>(map: ReadonlyMap<string, V> | undefined): [string, V][] {
  return Array.from(map ?? []).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** How many entries, groups, consumers and pending entries a stream has. */
export function partsOf({ size, groups }: { readonly size: number; readonly groups: GroupOwner['groups'] }): number {
  let parts = size;
  for (const { pending, consumers } of groups?.values() ?? []) parts += 1 + pending.size + consumers.size;
  return parts;
}
