import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { HashValue } from '../keyspace/hash-value.ts';
import { Node } from '../keyspace/node.ts';
import { DEFAULT_LIMITS } from '../keyspace/sizes.ts';
import { mutable } from '../keyspace/value.ts';
import { loadRdb } from './load.ts';
import { snapshotRdb } from './snapshot.ts';
import { digestOf, hashOf, listOf, nodeOf, plainNode, setOf, streamOf, zsetOf } from './testing/keyspaces.ts';
import { engine } from './testing/wal-lab.ts';

const keys = [
  'a',
  'b',
  'big hash',
  'big list',
  'big set',
  'big zset',
  'new',
  'newer',
  ...Array.from({ length: 300 }, (_, i) => `k${i}`),
];
const many = Array.from({ length: 3000 }, (_, i) => `element ${i}`);

/** A node with large values, which are written in slices, among many small ones. */
function fullNode(): Node {
  const large = {
    'big hash': hashOf(many.map((field) => [field, field])),
    'big list': listOf(many),
    'big set': setOf(many),
    'big zset': zsetOf(many.map((member, i) => [member, i])),
    'big stream': streamOf(3000, ['a', 'b']),
    'big bitmap': mutable('bits'.repeat(60_000), 300_000),
    'compact hash': compactHash(many.slice(0, 300)),
  };
  const small = keys.slice(8).map((key) => [key, key] as const);
  return nodeOf(
    [...Object.entries(large), ...small].map(([key, value], i) => ({
      db: i % 7 === 6 ? 5 : 0,
      key,
      value,
      expireAtMs: undefined,
    })),
  );
}

/** A hash that is compact although it is large, as `hash-max-listpack-entries` may want it. */
function compactHash(fields: readonly string[]): HashValue {
  const hash = new HashValue();
  for (const field of fields) hash.set(field, field, { ...DEFAULT_LIMITS, hashEntries: 1000 });
  return hash;
}

const more = Array.from({ length: 1200 }, (_, i) => `more ${i}`);
const element = fc.nat(2999).map((i) => `element ${i}`);
const place = fc.nat(2000).map(String);
const key = fc.constantFrom(...keys);
const streamEntry = fc.nat(2999).map((i) => `${1_700_000_000_000 + Math.floor(i / 3) * 1000}-${i % 3}`);
const write = fc.oneof(
  fc.tuple(fc.constant('SET'), key, fc.constant('changed')),
  fc.tuple(fc.constant('APPEND'), key, fc.constant('more')),
  fc.tuple(fc.constant('DEL'), key),
  fc.tuple(fc.constant('RENAME'), key, key),
  fc.tuple(fc.constant('PEXPIRE'), key, fc.constant('100000')),
  fc.tuple(fc.constant('HSET'), fc.constant('big hash'), fc.constant('element 7'), fc.constant('changed')),
  fc.tuple(fc.constant('HDEL'), fc.constant('big hash'), fc.constant('element 2999')),
  fc.tuple(fc.constant('LPOP'), fc.constant('big list')),
  fc.tuple(fc.constant('RPUSH'), fc.constant('big list'), fc.constant('more')),
  fc.tuple(fc.constant('SREM'), fc.constant('big set'), fc.constant('element 1')),
  fc.tuple(fc.constant('SADD'), fc.constant('big set'), fc.constant('more')),
  fc.tuple(fc.constant('ZADD'), fc.constant('big zset'), fc.constant('-5'), fc.constant('element 2000')),
  fc.tuple(fc.constant('ZREM'), fc.constant('big zset'), fc.constant('element 0')),
  fc.tuple(fc.constant('MOVE'), key, fc.constant('5')),
  fc.tuple(fc.constant('HSET'), fc.constant('big hash'), element, fc.constant('changed')),
  fc.tuple(fc.constant('HDEL'), fc.constant('big hash'), element, element, element),
  fc.tuple(fc.constant('HSET'), fc.constant('big hash'), ...more.flatMap((field) => [fc.constant(field), element])),
  fc.tuple(fc.constant('SREM'), fc.constant('big set'), element, element, element),
  fc.tuple(fc.constant('SADD'), fc.constant('big set'), ...more.map((member) => fc.constant(member))),
  fc.tuple(fc.constant('SPOP'), fc.constant('big set'), fc.constantFrom('1', '2900')),
  fc.tuple(fc.constant('ZADD'), fc.constant('big zset'), fc.constant('7.5'), element),
  fc.tuple(fc.constant('ZREMRANGEBYRANK'), fc.constant('big zset'), fc.constant('10'), fc.constantFrom('20', '2800')),
  fc.tuple(fc.constant('LSET'), fc.constant('big list'), place, fc.constant('changed')),
  fc.tuple(fc.constant('LINSERT'), fc.constant('big list'), fc.constant('BEFORE'), element, fc.constant('inserted')),
  fc.tuple(fc.constant('LREM'), fc.constant('big list'), fc.constant('0'), element),
  fc.tuple(fc.constant('LTRIM'), fc.constant('big list'), place, fc.constantFrom('-1', '-2', '-500')),
  fc.tuple(fc.constant('LPUSH'), fc.constant('big list'), ...more.map((member) => fc.constant(member))),
  fc.tuple(fc.constant('XADD'), fc.constant('big stream'), fc.constant('*'), fc.constant('field'), element),
  fc.tuple(fc.constant('XDEL'), fc.constant('big stream'), streamEntry, streamEntry),
  fc.tuple(fc.constant('XTRIM'), fc.constant('big stream'), fc.constant('MAXLEN'), place),
  fc.tuple(
    fc.constant('XREADGROUP'),
    fc.constant('GROUP'),
    fc.constant('group'),
    element,
    fc.constant('COUNT'),
    fc.constant('30'),
    fc.constant('STREAMS'),
    fc.constant('big stream'),
    fc.constant('>'),
  ),
  fc.tuple(fc.constant('XACK'), fc.constant('big stream'), fc.constant('group'), streamEntry, streamEntry),
  fc.tuple(
    fc.constant('XCLAIM'),
    fc.constant('big stream'),
    fc.constant('group'),
    fc.constant('other'),
    fc.constant('0'),
    streamEntry,
  ),
  fc.tuple(fc.constant('SETBIT'), fc.constant('big bitmap'), fc.nat(2_500_000).map(String), fc.constantFrom('0', '1')),
  fc.tuple(
    fc.constant('BITFIELD'),
    fc.constant('big bitmap'),
    fc.constant('SET'),
    fc.constant('u16'),
    fc.nat(1_900_000).map(String),
    fc.constant('777'),
  ),
  fc.tuple(fc.constant('SETRANGE'), fc.constant('big bitmap'), fc.nat(250_000).map(String), element),
  fc.tuple(fc.constant('APPEND'), fc.constant('big bitmap'), fc.constant('y'.repeat(70_000))),
  fc.tuple(fc.constant('HSET'), fc.constant('compact hash'), element, fc.constant('y')),
  fc.constant(['RENAME', 'big hash', 'big set']),
  fc.constant(['COPY', 'big list', 'new']),
);
const rare = fc.constantFrom<string[]>(['FLUSHALL'], ['FLUSHDB'], ['SWAPDB', '0', '5']);

test('a snapshot is of one instant, whatever is written while it runs', { timeout: 120_000 }, async () => {
  let during = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 40, arbitrary: write }, { weight: 1, arbitrary: rare }), {
        minLength: 20,
        maxLength: 120,
      }),
      fc.array(fc.nat(3), { minLength: 20, maxLength: 20 }),
      async (writes, pace) => {
        const node = fullNode();
        let instant: { digest: string; content: unknown } | undefined;
        const { stream, result } = snapshotRdb(node, {
          onInstant: () => (instant = { digest: digestOf(node), content: plainNode(node) }),
        });
        const chunks: Buffer[] = [];
        let reading = true;
        const reader = (async () => {
          for await (const chunk of stream) chunks.push(chunk);
          reading = false;
        })();
        for (const [i, args] of writes.entries()) {
          if (reading && instant !== undefined) during++;
          await engine.execute(node, args, i % 5 === 4 ? 5 : 0);
          for (let turns = pace[i % pace.length]!; turns > 0; turns--)
            await new Promise((resolve) => setImmediate(resolve));
        }
        await reader;
        const loaded = new Node({ id: 'loaded' });
        const summary = await loadRdb(pieces(chunks), loaded, Date.now());
        expect(plainNode(loaded)).toEqual(instant!.content);
        expect(summary.digest).toBe(instant!.digest);
        expect((await result).digest).toBe(instant!.digest);
        expect(node.snapshot).toBeUndefined();
      },
    ),
    { numRuns: 40 },
  );
  expect(during).toBeGreaterThan(100);
});

async function* pieces(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

test('a snapshot that is not read to its end lets go of the node, and the next one has its turn', async () => {
  const node = fullNode();
  const first = snapshotRdb(node);
  const second = snapshotRdb(node);
  const firstChunks = first.stream[Symbol.asyncIterator]();
  await firstChunks.next();
  const waiting = second.stream[Symbol.asyncIterator]().next();
  await firstChunks.return?.();
  await expect(first.result).rejects.toThrow(/broken off/);
  expect((await waiting).done).toBe(false);
});
