import type { Client } from '../clients/server.ts';
import type { HashValue } from '../keyspace/hash-value.ts';
import type { ListValue } from '../keyspace/list-value.ts';
import type { SetValue } from '../keyspace/set-value.ts';
import type { StreamValue } from '../keyspace/stream-value.ts';
import type { StringValue, Value } from '../keyspace/value.ts';
import { typeOf } from '../keyspace/value.ts';
import type { ZSetValue } from '../keyspace/zset-value.ts';
import { NOT_FLOAT, NOT_INTEGER, NOT_NEGATABLE, WRONG_TYPE } from '../protocol/errors.ts';
import { parseDouble, parseInteger } from '../protocol/numbers.ts';

/** Reads an integer argument; when it is none, replies with the error and returns undefined. */
export function integerArg(client: Client, text: string, error = NOT_INTEGER): number | undefined {
  const value = parseInteger(text);
  if (value === undefined) client.reply.error(error);
  return value;
}

/** Reads a 32-bit integer, as database numbers are; else replies with the error and returns undefined. */
export function int32Arg(client: Client, text: string): number | undefined {
  const value = integerArg(client, text);
  if (value === undefined || Math.abs(value + 0.5) < 2 ** 31) return value;
  client.reply.error('ERR value is out of range, value must between -2147483648 and 2147483647');
  return undefined;
}

/** More elements than this are never picked at random; Redis would try, and run out of memory. */
const PICKS_MAX = 10_000_000;

/** Reads how many elements to pick at random; twice as many replies follow when `pairs` is set. */
export function pickCountArg(client: Client, text: string, pairs: boolean): number | undefined {
  const value = integerArg(client, text);
  if (value === undefined) return undefined;
  if (text === '-9223372036854775808') {
    client.reply.error(NOT_NEGATABLE);
    return undefined;
  }
  if (value >= -PICKS_MAX && !(pairs && value >= 2 ** 62)) return value;
  client.reply.error('ERR value is out of range');
  return undefined;
}

/** Reads an integer of at least `min`; else replies with the error and returns undefined. */
export function integerFrom(client: Client, text: string, min: number, error: string): number | undefined {
  const value = parseInteger(text);
  if (value !== undefined && value >= min) return value;
  client.reply.error(error);
  return undefined;
}

/** Reads a double; when it is none, replies with the error and returns undefined. */
export function doubleArg(client: Client, text: string, error = NOT_FLOAT): number | undefined {
  const value = parseDouble(text);
  if (value === undefined) client.reply.error(error);
  return value;
}

/** Each type's values. */
export interface Kinds {
  string: StringValue;
  hash: HashValue;
  list: ListValue;
  set: SetValue;
  zset: ZSetValue;
  stream: StreamValue;
}

/** The value if it is of the type or missing; for another type replies WRONGTYPE and returns null. */
export function ofType<K extends keyof Kinds>(
  client: Client,
  value: Value | undefined,
  kind: K,
): Kinds[K] | undefined | null {
  if (value === undefined || typeOf(value) === kind) return value as Kinds[K] | undefined;
  client.reply.error(WRONG_TYPE);
  return null;
}

/** Looks a key up to read it: undefined when missing, null when of another type (and the error was replied). */
export function readAs<K extends keyof Kinds>(client: Client, key: string, kind: K): Kinds[K] | undefined | null {
  return ofType(client, client.db.read(key), kind);
}

/** Looks a key up to change it: undefined when missing, null when of another type (and the error was replied). */
export function writeAs<K extends keyof Kinds>(client: Client, key: string, kind: K): Kinds[K] | undefined | null {
  return ofType(client, client.db.write(key), kind);
}

/** Counts a change of a key and tells keyspace listeners. */
export function changed(client: Client, kind: string, event: string, key: string, changes = 1): void {
  const { node } = client;
  node.dirty += changes;
  if (node.listener !== undefined) node.listener.event(kind, event, key, client.db.index);
}

/** As `writeAs`, where Redis looks a key up as if it only read: whether it is there is counted, and a miss is told of. */
export function readToWrite<K extends keyof Kinds>(client: Client, key: string, kind: K): Kinds[K] | undefined | null {
  return client.db.look(key) === undefined ? undefined : writeAs(client, key, kind);
}

/**
 * Removes what a key holds because nothing takes its place, and says whether it held anything. As in Redis,
 * what had expired there is told of as deleted and not as expired.
 */
export function makeRoom(client: Client, key: string): boolean {
  const removed = client.db.remove(key);
  if (removed) changed(client, 'g', 'del', key);
  return removed;
}

/** Accounts for a collection changed in place, or removes it when nothing is left of it. */
export function settle(client: Client, key: string, value: Exclude<Value, string>): void {
  const size = value.kind === 'list' || value.kind === 'string' ? value.length : value.size;
  client.db.changed(key, value);
  if (size > 0 || value.kind === 'string') return;
  client.db.remove(key);
  if (client.node.listener !== undefined) client.node.listener.event('g', 'del', key, client.db.index);
}

/** Turns `start` and `end` (negative from the end) into positions within `length`; undefined when nothing is left. */
export function clampRange(start: number, end: number, length: number): { start: number; end: number } | undefined {
  const first = Math.max(0, start < 0 ? start + length : start);
  const last = Math.min(length - 1, end < 0 ? end + length : end);
  return first > last ? undefined : { start: first, end: last };
}
