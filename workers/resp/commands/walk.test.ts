import { afterAll, beforeAll, expect, test } from 'vitest';

import { redisBinaries } from '#test/tools/redis-binaries.ts';

import { startReference } from '../conformance/reference.ts';
import { openWire } from '../conformance/wire.ts';
import type { Wire } from '../conformance/wire.ts';
import { createEngine } from '../engine.ts';
import type { Engine } from '../engine-api.ts';
import { Node } from '../keyspace/node.ts';
import { sortInSteps } from './walk.ts';

let engine: Engine;
let port: number;
let reference: Awaited<ReturnType<typeof startReference>>;
const wires: Wire[] = [];

const many = 20_000;
const fill: string[][] = [];
for (let i = 0; i < many; i += 100) {
  const some = Array.from({ length: 100 }, (_, k) => i + k);
  fill.push(['RPUSH', 'list', ...some.map((n) => String((n * 7919) % many))]);
  fill.push(['SADD', 'set', ...some.map((n) => `member ${n}`)]);
  fill.push(['SADD', 'half', ...some.map((n) => `member ${n * 2}`)]);
  fill.push(['HSET', 'hash', ...some.flatMap((n) => [`field ${n}`, `${n}`])]);
  fill.push(['ZADD', 'zset', ...some.flatMap((n) => [String(n % 1000), `member ${n}`])]);
  fill.push(['MSET', ...some.flatMap((n) => [`weight:${n}`, `${many - n}`])]);
}

beforeAll(async () => {
  engine = createEngine({ defaultNode: new Node({ id: 'walks' }) });
  port = await engine.listen({ port: 0 });
  const { server, env } = await redisBinaries();
  reference = await startReference(server, env);
});

afterAll(async () => {
  for (const wire of wires) wire.close();
  await engine.close();
  await reference.stop();
});

async function open(at = port): Promise<Wire> {
  const wire = await openWire(at);
  wires.push(wire);
  return wire;
}

/** Replies whose order is nobody's business, with their lines in order. */
const unordered = (reply: string): string => reply.split('\r\n').toSorted().join();

test('what is walked in steps is the same as what a real server gives at once', async () => {
  const both = await Promise.all([open(), open(reference.port)]);
  for (const wire of both) await wire.batch(fill);
  const ask = async (...requests: string[][]): Promise<[string[], string[]]> => {
    const [ours, theirs] = await Promise.all(both.map((wire) => wire.batch(requests)));
    return [ours ?? [], theirs ?? []];
  };
  const [ours, theirs] = await ask(
    ['LRANGE', 'list', '3', '-2'],
    ['ZRANGE', 'zset', '0', '-1', 'WITHSCORES'],
    ['ZREVRANGE', 'zset', '5', '19000'],
    ['ZRANGE', 'zset', '(10', '900', 'BYSCORE', 'LIMIT', '300', '7000'],
    ['ZRANGESTORE', 'part', 'zset', '0', '4000', 'REV'],
    ['SORT', 'list', 'DESC', 'LIMIT', '10', '9000'],
    ['SORT', 'list', 'BY', 'weight:*', 'GET', '#', 'GET', 'weight:*'],
    ['SORT', 'set', 'ALPHA', 'STORE', 'sorted'],
    ['LRANGE', 'sorted', '0', '-1'],
    ['SUNIONSTORE', 'union', 'set', 'half'],
    ['SINTERCARD', '2', 'set', 'half', 'LIMIT', '5000'],
    ['SDIFFSTORE', 'diff', 'set', 'half'],
    ['ZUNIONSTORE', 'zunion', '2', 'zset', 'half', 'WEIGHTS', '2', '3'],
    ['ZRANGE', 'zunion', '0', '-1', 'WITHSCORES'],
    ['ZINTER', '2', 'zset', 'half', 'AGGREGATE', 'MAX', 'WITHSCORES'],
    ['ZDIFF', '2', 'zset', 'half'],
    ['MULTI'],
    ['LRANGE', 'list', '0', '-1'],
    ['SUNIONSTORE', 'again', 'half', 'set'],
    ['SCARD', 'again'],
    ['EXEC'],
    ['EVAL', "return #redis.call('LRANGE', 'list', 0, -1)", '0'],
  );
  for (const [i, reply] of theirs.entries()) expect(ours[i]?.length, String(i)).toBe(reply.length);
  expect(ours).toEqual(theirs);
  const [mine, yours] = await ask(
    ['SMEMBERS', 'set'],
    ['HGETALL', 'hash'],
    ['HVALS', 'hash'],
    ['SINTER', 'set', 'half'],
    ['SMEMBERS', 'diff'],
    ['KEYS', 'weight:1*'],
  );
  expect(mine.map(unordered)).toEqual(yours.map(unordered));
});

test('while a node walks, its own clients wait for their turn in order, and see nothing of it half done', async () => {
  const [walker, other] = await Promise.all([open(), open()]);
  await walker.batch([['FLUSHALL'], ...fill]);
  const state = { walks: true };
  const walking = walker.batch([
    ['ZUNIONSTORE', 'out', '2', 'zset', 'half'],
    ['SORT', 'set', 'ALPHA', 'STORE', 'out2'],
  ]);
  void walking.then(() => (state.walks = false));
  const sizes = new Set<string>();
  while (state.walks) for (const reply of await other.batch([['ZCARD', 'out'], ['LLEN', 'out2']])) sizes.add(reply); // prettier-ignore
  const [union] = await walking;
  expect(sizes.size).toBeLessThanOrEqual(3);
  for (const size of sizes) expect([':0\r\n', union, `:${many}\r\n`]).toContain(size);
});

test('a sort in steps is stable and complete, whatever the length', () => {
  for (const length of [0, 1, 255, 256, 257, 511, 513, 5000]) {
    const items = Array.from({ length }, (_, at) => ({ at, by: (at * 7919) % 97 }));
    const wanted = items.toSorted((a, b) => a.by - b.by);
    const steps = sortInSteps(items, (a, b) => a.by - b.by);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    expect(step.value).toEqual(wanted);
  }
});
