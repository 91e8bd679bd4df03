import * as fc from 'fast-check';

import { HashValue } from '../../keyspace/hash-value.ts';
import { ListValue } from '../../keyspace/list-value.ts';
import { Node } from '../../keyspace/node.ts';
import { SetValue } from '../../keyspace/set-value.ts';
import { DEFAULT_LIMITS } from '../../keyspace/sizes.ts';
import { addConsumer, addGroup, assign, byName } from '../../keyspace/stream-group.ts';
import { entriesIn } from '../../keyspace/stream-entries.ts';
import { formatId, MIN_ID, streamId } from '../../keyspace/stream-id.ts';
import { idOfRecord, wordsOf } from '../../keyspace/stream-record.ts';
import { StreamValue } from '../../keyspace/stream-value.ts';
import { mutable, typeOf } from '../../keyspace/value.ts';
import type { Value } from '../../keyspace/value.ts';
import { ZSetValue } from '../../keyspace/zset-value.ts';
import { KeyspaceDigest } from '../digest.ts';

/** Byte strings of all kinds: numbers near the borders of encodings, text, arbitrary bytes, compressible and long ones. */
export const byteString: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')) },
  { weight: 2, arbitrary: fc.maxSafeInteger().map(String) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '-1',
      '-0',
      '0',
      '00',
      '127',
      '128',
      '-129',
      '32768',
      '2147483647',
      '-2147483649',
      '+1',
      '1.5',
      'inf',
      '',
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 30, max: 20_000 }).map((length) => 'abc'.repeat(length).slice(0, length)) },
);

const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(12) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 1500 }) },
);

function elements(seed: readonly string[], count: number): string[] {
  const made = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? String(i * 37) : `element ${i}`));
  return [...seed, ...made];
}

const score = fc.double({ noNaN: true });
const seeds = fc.array(byteString, { minLength: 1, maxLength: 8 });

/** Values of all types and many sizes. */
export const value: fc.Arbitrary<Value> = fc.oneof(
  byteString,
  byteString.map((text): Value => mutable(text, text.length + 5)),
  fc.tuple(seeds, size).map(([seed, count]) => streamOf(count, seed)),
  fc.tuple(seeds, size).map(([seed, count]) => listOf(elements(seed, count))),
  fc.tuple(seeds, size).map(([seed, count]) => setOf(elements(seed, count))),
  fc.tuple(seeds, size).map(([seed, count]) => hashOf(elements(seed, count).map((field, i) => [field, String(i)]))),
  fc
    .tuple(seeds, size, fc.array(score, { minLength: 1, maxLength: 5 }))
    .map(([seed, count, scores]) =>
      zsetOf(elements(seed, count).map((member, i) => [member, scores[i % scores.length]! + i])),
    ),
);

/** A key with its database and expiry. */
export interface Entry {
  readonly db: number;
  readonly key: string;
  readonly value: Value;
  readonly expireAtMs: number | undefined;
}

/** Keyspaces of a few keys in several databases. */
export const entries: fc.Arbitrary<Entry[]> = fc.uniqueArray(
  fc.record({
    db: fc.constantFrom(0, 0, 0, 3, 15),
    key: byteString,
    value,
    expireAtMs: fc.option(fc.integer({ min: 4_000_000_000_000, max: 5_000_000_000_000 }), { nil: undefined }),
  }),
  { maxLength: 12, selector: ({ db, key }) => `${db} ${key}` },
);

export function listOf(items: readonly string[]): ListValue {
  const list = new ListValue();
  for (const item of items) list.pushTail(item);
  return list;
}

export function setOf(members: readonly string[]): SetValue {
  const set = new SetValue();
  for (const member of members) set.add(member);
  return set;
}

export function hashOf(pairs: readonly (readonly [string, string])[]): HashValue {
  const hash = new HashValue();
  for (const [field, text] of pairs) hash.set(field, text);
  return hash;
}

export function zsetOf(pairs: readonly (readonly [string, number])[]): ZSetValue {
  const zset = new ZSetValue();
  for (const [member, points] of pairs) zset.set(member, points);
  return zset;
}

/** A detached node that holds entries. */
export function nodeOf(all: readonly Entry[]): Node {
  const node = new Node({ id: 'test' });
  for (const { db, key, value, expireAtMs } of all) node.database(db).load(key, value, expireAtMs);
  return node;
}

/** A value in a form that tests can compare: type and elements, with unordered ones sorted. */
export function plain(value: Value): unknown {
  if (typeof value === 'string' || value.kind === 'string') return { string: value.toString() };
  if (value.kind === 'stream') return { stream: plainStream(value) };
  const items: unknown[] = [];
  if (value.kind === 'zset') value.forEach((points, member) => items.push([member, points]));
  else if (value.kind === 'hash') value.forEach((text, field) => items.push([field, text]));
  else value.forEach((item) => items.push(item));
  return { [typeOf(value)]: value.kind === 'list' || value.kind === 'zset' ? items : items.map(String).sort() };
}

function plainStream(stream: StreamValue): unknown {
  const { lastId, maxDeletedId, entriesAdded, size, groups } = stream;
  const entries = stream.blocks.flatMap((block) =>
    entriesIn(block.entries).map((r) => [formatId(idOfRecord(r)), wordsOf(r)]),
  );
  const plainGroups = byName(groups).map(([name, group]) => ({
    name,
    lastId: formatId(group.lastId),
    entriesRead: group.entriesRead,
    consumers: byName(group.consumers).map(([consumer, { pending }]) => [consumer, pending.size]),
    pending: Array.from(group.pending.from(''), ([id, { consumer, deliveredAtMs, deliveries }]) => [
      formatId(id),
      consumer.name,
      deliveredAtMs,
      deliveries,
    ]),
  }));
  return { lastId: formatId(lastId), maxDeletedId: formatId(maxDeletedId), entriesAdded, size, entries, plainGroups };
}

/** A stream of a size, with entries of different fields, holes, and a group with pending entries. */
export function streamOf(count: number, seed: readonly string[] = []): StreamValue {
  const stream = new StreamValue();
  for (let i = 0; i < count; i++) {
    const odd = [
      `field ${i % 3}`,
      seed[i % seed.length] ?? 'x',
      seed[(i + 1) % seed.length] ?? String(i),
      `value ${i}`,
    ];
    const words = i % 7 === 3 ? odd : ['name', seed[i % seed.length] ?? `v${i}`, 'number', String(i * 31 - 500)];
    stream.append(streamId(1_700_000_000_000 + Math.floor(i / 3) * 1000, i % 3), words, 0, DEFAULT_LIMITS);
  }
  for (let i = 0; i < count; i += 10) {
    const id = streamId(1_700_000_000_000 + Math.floor(i / 3) * 1000, i % 3);
    stream.delete(id);
    stream.maxDeletedId = id;
  }
  addGroup(stream, 'idle', MIN_ID, -1);
  const group = addGroup(stream, 'group', stream.lastId, Math.max(0, count - 1));
  const readers = ['one', 'two', '3'].map((name) => addConsumer(stream, group, name, 1_700_000_000_000));
  for (let i = 0; i < Math.min(count, 700); i += 2) {
    const id = streamId(1_700_000_000_000 + Math.floor(i / 3) * 1000, i % 3);
    assign(stream, group, id, readers[i % 2]!, 1_700_000_000_000 + i).deliveries = i + 1;
  }
  return stream;
}

/** All of a node in comparable form. */
export function plainNode(node: Node): Record<string, unknown> {
  const all: [string, unknown][] = [];
  for (const db of node.databases) {
    db?.entries.forEach((value, key) => {
      all.push([`${db.index}/${key}`, { value: plain(value), expireAtMs: db.expires.get(key) }]);
    });
  }
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The digest of a live keyspace. */
export function digestOf(node: Node): string {
  const digest = new KeyspaceDigest();
  for (const db of node.databases) {
    db?.entries.forEach((value, key) => digest.add(db.index, key, value, db.expires.get(key)));
  }
  return digest.toString();
}

/** All chunks of a stream as one. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A stream that gives a buffer in chunks of a size. */
export async function* chunked(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
