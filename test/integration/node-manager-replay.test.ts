import { createLog } from '#infra/logging/log.ts';
import type { RunningRole } from '#infra/process/role.ts';
import { startNodeManager } from '#workers/node-manager/main.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { openBed, type Bed, type TestNode } from './node-manager-bed.ts';
import { closeClients, contentOf, tenantOf } from './node-manager-clients.ts';

let bed: Bed;
let role: RunningRole;

async function start(): Promise<void> {
  role = await startNodeManager(bed.config, createLog('node-manager', 'fatal'));
  await vi.waitFor(async () => expect((await role.readiness()).ready).toBe(true), { timeout: 5000 });
}

beforeAll(async () => {
  bed = await openBed();
  await start();
});

afterAll(async () => {
  closeClients();
  await role.stop();
  await bed.close();
});

/** Holds that the node has the same data after its manager was started anew. */
async function expectSameAfterRestart(node: TestNode): Promise<void> {
  const before = await contentOf(bed, node);
  closeClients();
  await role.stop();
  await start();
  expect(await contentOf(bed, node)).toEqual(before);
  expect(before.keys).toBeGreaterThan(0);
}

const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)] as Item;

test.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-ttl'] as const)(
  'what %s evicted stays away after a restart, in the middle of transactions, too',
  async (evictionPolicy) => {
    const node = await bed.createNode({ evictionPolicy, memoryLimitMb: 1, durability: 'always' });
    const redis = tenantOf(bed.port, node);
    for (let round = 0; round < 30; round += 1) {
      const batch = round % 2 === 0 ? redis.multi() : redis.pipeline();
      for (let i = 0; i < 20; i += 1) {
        const key = `k${Math.floor(Math.random() * 400)}`;
        batch.set(key, 'x'.repeat(Math.floor(Math.random() * 9000)), 'EX', 100_000 + i);
        batch.append(key, 'y'.repeat(100));
        batch.rpush(`l${i}`, 'x'.repeat(500));
      }
      await batch.exec().catch(() => {});
    }
    expect(await redis.info('stats')).not.toContain('evicted_keys:0\r\n');
    await expectSameAfterRestart(node);
  },
);

test('what blocked clients took is gone after a restart, and what was handed on to others is there', async () => {
  const node = await bed.createNode({ durability: 'always', memoryLimitMb: 64 });
  const keys = ['a', 'b', 'c', 'd'];
  const takers = Array.from({ length: 6 }, async (_unused, n) => {
    const redis = tenantOf(bed.port, node);
    for (let i = 0; i < 150; i += 1) {
      const [from, to] = [pick(keys), pick(keys)];
      if (n % 3 === 0) await redis.blpop(from, to, 0.01);
      else if (n % 3 === 1) await redis.blmove(from, to, 'LEFT', 'RIGHT', 0.01);
      else await redis.bzpopmin(`z${from}`, 0.01);
    }
  });
  const givers = Array.from({ length: 3 }, async (_unused, n) => {
    const redis = tenantOf(bed.port, node);
    for (let i = 0; i < 500; i += 1) {
      const values = Array.from({ length: 1 + (i % 4) }, (_nothing, at) => `${n}:${i}:${at}`);
      if (i % 3 === 0)
        await redis
          .multi()
          .rpush(pick(keys), ...values)
          .zadd(`z${pick(keys)}`, i, `m${i}`)
          .exec();
      else if (i % 3 === 1) await redis.lpush(pick(keys), ...values);
      else await redis.zadd(`z${pick(keys)}`, i, `m${i}`);
    }
  });
  await Promise.all([...takers, ...givers]);
  await expectSameAfterRestart(node);
});

test('what ran out while the manager was away does not come back', async () => {
  const node = await bed.createNode({ durability: 'always' });
  const redis = tenantOf(bed.port, node);
  await redis.set('short', 'x', 'PX', 300);
  await redis.set('kept', 'x', 'PX', 300);
  await redis.persist('kept');
  await redis.set('renewed', 'x', 'PX', 300);
  await redis.pexpire('renewed', 100_000);
  closeClients();
  await role.stop();
  await new Promise((resolve) => setTimeout(resolve, 400));
  await start();
  const again = tenantOf(bed.port, node);
  expect(await again.mget('short', 'kept', 'renewed')).toEqual([null, 'x', 'x']);
  expect(await again.ttl('kept')).toBe(-1);
  expect(await again.ttl('renewed')).toBeGreaterThan(90);
});
