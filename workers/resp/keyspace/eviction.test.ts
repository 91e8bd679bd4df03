import { describe, expect, test } from 'vitest';
import { createEngine } from '../engine.ts';
import { Node } from './node.ts';
import type { EvictionPolicy } from './node.ts';

const engine = createEngine({});
const run = (node: Node, ...args: string[]): Promise<unknown> => engine.execute(node, args);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function filled(policy: EvictionPolicy, keys: number, more: (i: number) => string[] = () => []): Promise<Node> {
  const node = new Node({ id: 'evicts', evictionPolicy: policy });
  for (let i = 0; i < keys; i++) await run(node, 'SET', `k${i}`, 'x'.repeat(50), ...more(i));
  return node;
}

/** Halves the memory of a node and makes it evict; then says which of its keys are left. */
async function halved(node: Node, keys: number): Promise<Set<number>> {
  node.maxMemory = Math.floor(node.usedBytes / 2);
  await run(node, 'SET', 'trigger', '');
  for (let i = 0; i < 200 && node.usedBytes > node.maxMemory; i++) await pause(1);
  expect(node.usedBytes).toBeLessThanOrEqual(node.maxMemory);
  const left = new Set<number>();
  for (let i = 0; i < keys; i++) if (node.database(0).entries.has(`k${i}`)) left.add(i);
  expect(node.evictedKeys).toBeGreaterThanOrEqual(keys - left.size);
  return left;
}

const share = (left: ReadonlySet<number>, of: (i: number) => boolean): number =>
  [...left].filter(of).length / left.size;

describe('eviction', () => {
  test('lru keeps what was used lately', async () => {
    const node = await filled('allkeys-lru', 3000);
    await pause(30);
    for (let i = 0; i < 3000; i += 3) await run(node, 'GET', `k${i}`);
    await pause(30);
    const left = await halved(node, 3000);
    // A third was used. Five samples and the pool come close to the exact order, which would keep all of it.
    expect([...left].filter((i) => i % 3 === 0).length).toBeGreaterThan(900);
  });

  test('lfu keeps what is used often', async () => {
    const node = new Node({ id: 'lfu' });
    await run(node, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu', 'lfu-log-factor', '0');
    for (let i = 0; i < 2000; i++) await run(node, 'SET', `k${i}`, 'x'.repeat(50));
    for (let round = 0; round < 5; round++) for (let i = 0; i < 2000; i += 4) await run(node, 'GET', `k${i}`);
    expect(await run(node, 'OBJECT', 'FREQ', 'k0')).toBe(10);
    expect(await run(node, 'OBJECT', 'FREQ', 'k1')).toBe(5);
    const left = await halved(node, 2000);
    expect([...left].filter((i) => i % 4 === 0).length).toBeGreaterThan(450);
  });

  test('volatile policies leave what has no expiry, and ttl takes what is next to expire', async () => {
    const node = await filled('volatile-ttl', 3000, (i) => (i % 3 === 0 ? [] : ['EX', String(1000 + i)]));
    const left = await halved(node, 3000);
    expect([...left].filter((i) => i % 3 === 0).length).toBe(1000);
    expect(share(left, (i) => i % 3 !== 0 && i < 1000)).toBeLessThan(0.1);
  });

  test('refuses once nothing may be evicted', async () => {
    const node = await filled('volatile-lru', 500);
    node.maxMemory = 10_000;
    expect(await run(node, 'SET', 'k', 'v')).toMatchObject({ error: expect.stringContaining('OOM') as string });
    expect(node.evictedKeys).toBe(0);
  });

  test('far too much is evicted in slices between commands', async () => {
    const node = await filled('allkeys-random', 20_000);
    node.maxMemory = 100_000;
    await run(node, 'SET', 'k', 'v');
    const atOnce = node.evictedKeys;
    expect(atOnce).toBeGreaterThan(0);
    expect(atOnce).toBeLessThan(19_000);
    for (let i = 0; i < 500 && node.usedBytes > node.maxMemory; i++) await pause(1);
    expect(node.usedBytes).toBeLessThanOrEqual(node.maxMemory);
  });
});

test('the time since the last use is known under every policy but LFU', async () => {
  const node = new Node({ id: 'idle' });
  await run(node, 'SET', 'k', 'v');
  await pause(1100);
  expect(await run(node, 'OBJECT', 'IDLETIME', 'k')).toBe(1);
  await run(node, 'GET', 'k');
  expect(await run(node, 'OBJECT', 'IDLETIME', 'k')).toBe(0);
});

test('what is freed in constant time is accounted for in constant time', async () => {
  const node = await filled('noeviction', 1000, (i) => (i % 2 === 0 ? [] : ['EX', '1000']));
  const { usedBytes } = node;
  await run(node, 'SWAPDB', '0', '3');
  expect(node.usedBytes).toBe(usedBytes);
  expect(node.database(0).usedBytes).toBe(0);
  await run(node, 'FLUSHALL');
  expect(node.usedBytes).toBe(0);
});

test('a hundred thousand keys that are due at once go by themselves, in slices', async () => {
  const node = new Node({ id: 'due' });
  const at = String(Date.now() + 1);
  for (let i = 0; i < 100_000; i++) node.database(0).load(`k${i}`, 'v', Number(at));
  engine.adopt(node);
  for (let i = 0; i < 300 && node.database(0).expires.size > 0; i++) await pause(100);
  expect(node.database(0).size).toBe(0);
  expect(node.expiredKeys).toBe(100_000);
});
