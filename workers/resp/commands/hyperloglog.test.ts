import { afterAll, beforeAll, expect, test } from 'vitest';
import { redisBinaries } from '#test/tools/redis-binaries.ts';
import { startReference } from '../conformance/reference.ts';
import type { ReferenceServer } from '../conformance/reference.ts';
import { openWire } from '../conformance/wire.ts';
import type { Wire } from '../conformance/wire.ts';
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';

const engine = createEngine({ defaultNode: new Node({ id: 'hll' }) });
let reference: ReferenceServer;
let ours: Wire;
let theirs: Wire;

beforeAll(async () => {
  const { server, env } = await redisBinaries();
  reference = await startReference(server, env);
  ours = await openWire(await engine.listen({ port: 0 }));
  theirs = await openWire(reference.port);
}, 120_000);

afterAll(async () => {
  ours.close();
  theirs.close();
  await engine.close();
  await reference.stop();
});

async function both(requests: readonly (readonly string[])[]): Promise<string[]> {
  const [left, right] = await Promise.all([ours.batch(requests), theirs.batch(requests)]);
  expect(left).toEqual(right);
  return left;
}

test('the bytes and the estimates stay those of a real server, from empty over sparse to dense', async () => {
  for (let round = 0; round < 60; round++) {
    const elements = Array.from({ length: 50 }, (_, i) => `element ${round * 47 + i}`);
    await both([
      ['PFADD', 'a', ...elements],
      ['PFCOUNT', 'a'],
      ['GET', 'a'],
    ]);
  }
  const [length, big] = await both([
    ['STRLEN', 'a'],
    ['PFADD', 'b', ...Array.from({ length: 20_000 }, (_, i) => `other ${i}`)],
    ['PFCOUNT', 'a', 'b'],
    ['PFADD', 'c', 'x', 'element 1'],
    ['PFMERGE', 'c', 'a'],
    ['GET', 'c'],
    ['PFCOUNT', 'c'],
    ['PFMERGE', 'd', 'c', 'b'],
    ['PFCOUNT', 'd'],
    ['GET', 'd'],
  ]);
  expect([length, big]).toEqual([':12304\r\n', ':1\r\n']);
});

test('what is no HyperLogLog, or a damaged one, is refused', async () => {
  await both([
    ['SET', 's', 'text'],
    ['PFADD', 's', 'a'],
    ['PFCOUNT', 's'],
    ['PFMERGE', 't', 's'],
    ['RPUSH', 'l', 'a'],
    ['PFADD', 'l', 'a'],
    ['SET', 'n', '12'],
    ['PFCOUNT', 'n'],
    ['PFADD', 'h', 'a'],
    ['APPEND', 'h', 'more'],
    ['PFCOUNT', 'h'],
    ['PFCOUNT', 'h', 'x'],
    ['PFMERGE', 'h', 'x'],
  ]);
});
