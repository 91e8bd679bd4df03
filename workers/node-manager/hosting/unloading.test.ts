import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { NodeId, TenantId } from '#domains/kernel/ids.ts';
import type { Durability } from '#domains/node/settings.ts';
import { newId } from '#infra/crypto/ids.ts';
import { createEngine } from '#workers/resp/engine.ts';
import type { Engine, ReplyValue } from '#workers/resp/engine-api.ts';
import { rdbCodec } from '#workers/resp/persistence/codec.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Order } from '../engines/calls.ts';
import { hostNodes, type HostedNodes } from './hosted-nodes.ts';
import { openStorage, type Storage } from './storage.ts';

let folder: string;
let engine: Engine;
let storage: Storage;
let hosted: HostedNodes;
const log = pino({ level: 'silent' });

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'miniredis-unloading-'));
  await begin(folder);
});

afterEach(async () => {
  await storage.shut();
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

async function begin(at: string): Promise<void> {
  engine = createEngine({ authenticate: () => ({}), codec: rdbCodec });
  storage = await openStorage(engine, path.join(at, 'partition'), log);
  hosted = hostNodes(engine, () => storage, { commandsPerSecond: 0, bytesPerSecond: 5_000_000 });
}

/** What a crash right now leaves on the disk is what the next process finds. */
async function crashAndBegin(): Promise<void> {
  const left = path.join(folder, 'left-by-the-crash');
  await cp(path.join(folder, 'partition'), path.join(left, 'partition'), { recursive: true });
  await rm(path.join(left, 'partition/lock'), { force: true });
  await storage.shut();
  await engine.close();
  await begin(left);
}

const orderOf = (durability: Durability = 'always'): Order => ({
  nodeId: newId('node'),
  tenantId: TenantId.parse(newId('tnt')),
  managerId: null,
  epoch: 1,
  state: 'running',
  passwordSha256: '',
  memoryLimitMb: 16,
  evictionPolicy: 'noeviction',
  durability,
  restoreFrom: null,
  plan: 'free',
  hasRun: false,
  failure: null,
  cause: null,
  partition: 0,
});

/** Whatever nobody is using goes. */
async function unloadAll(): Promise<void> {
  await sleep(5);
  await hosted.unloadIdle(2);
}

async function run(nodeId: NodeId, ...args: string[]): Promise<ReplyValue> {
  await hosted.wake(nodeId);
  const node = hosted.find(nodeId);
  if (node === undefined) throw new Error('the node is not in memory');
  return engine.execute(node, args);
}

test.for(['none', 'everysec', 'always'] as const)(
  'a node (%s) comes back from the disk with all it had',
  async (durability) => {
    const order = orderOf(durability);
    const { nodeId } = order;
    await hosted.serve(order);
    await run(nodeId, 'SET', 'greeting', 'hello');
    await run(nodeId, 'RPUSH', 'list', 'a', 'b');
    await run(nodeId, 'SET', 'mortal', 'x', 'EX', '1000');
    await run(nodeId, 'ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+get');
    await unloadAll();
    expect([hosted.find(nodeId), hosted.unloaded, hosted.usedBytes]).toEqual([undefined, 1, 0]);

    expect(await run(nodeId, 'GET', 'greeting')).toBe('hello');
    expect(await run(nodeId, 'LRANGE', 'list', '0', '-1')).toEqual(['a', 'b']);
    expect(await run(nodeId, 'TTL', 'mortal')).toBeGreaterThan(990);
    expect(await run(nodeId, 'ACL', 'USERS')).toEqual(['default', 'reader']);
    expect(hosted.unloaded).toBe(0);

    await run(nodeId, 'SET', 'greeting', 'hello again');
    await unloadAll();
    expect(await run(nodeId, 'GET', 'greeting')).toBe('hello again');
  },
);

test("a node has its plan's limits within the host's, also when it comes back from the disk", async () => {
  const order = orderOf();
  await hosted.serve(order);
  for (const _ of ['at first', 'woken']) {
    await hosted.wake(order.nodeId);
    expect(hosted.find(order.nodeId)?.rateLimits).toEqual({ commandsPerSecond: 10_000, bytesPerSecond: 5_000_000 });
    await unloadAll();
    expect(hosted.unloaded).toBe(1);
  }
});

test('a crash finds a node that was on the disk, and what was written after it came back', async () => {
  const [asleep, woken] = [orderOf(), orderOf()];
  for (const order of [asleep, woken]) {
    await hosted.serve(order);
    await run(order.nodeId, 'SET', 'k', 'before');
  }
  await unloadAll();
  await run(woken.nodeId, 'SET', 'k', 'after');
  await run(woken.nodeId, 'SET', 'other', 'one');
  await crashAndBegin();
  for (const order of [asleep, woken]) await hosted.serve({ ...order, hasRun: true });
  expect(await run(asleep.nodeId, 'GET', 'k')).toBe('before');
  expect(await run(woken.nodeId, 'MGET', 'k', 'other')).toEqual(['after', 'one']);
});

test('who comes while the node is on its way to the disk waits for it, and loses nothing', async () => {
  const order = orderOf();
  await hosted.serve(order);
  await run(order.nodeId, 'SET', 'k', 'v');
  await sleep(5);
  const unloading = hosted.unloadIdle(2);
  expect(hosted.find(order.nodeId)).toBeUndefined();
  expect(await Promise.all([run(order.nodeId, 'GET', 'k'), run(order.nodeId, 'APPEND', 'k', 'w')])).toEqual(['v', 2]);
  await unloading;
  expect(await run(order.nodeId, 'GET', 'k')).toBe('vw');
});

test('settings that only memory holds, a recent use, and a restore under way keep a node there', async () => {
  const [configured, used, restoring] = [orderOf(), orderOf(), { ...orderOf(), restoreFrom: newId('bkp') }];
  for (const order of [configured, used, restoring]) await hosted.serve(order);
  await run(configured.nodeId, 'CONFIG', 'SET', 'notify-keyspace-events', 'KEA');
  await run(used.nodeId, 'PING');
  await hosted.unloadIdle(60_000);
  expect(hosted.unloaded).toBe(0);
  await unloadAll();
  expect([configured, used, restoring].map(({ nodeId }) => hosted.find(nodeId) === undefined)).toEqual([
    false,
    true,
    false,
  ]);
});

test('a node on the disk takes new settings when it comes back, and can be closed and dropped there', async () => {
  const [resized, closed, dropped] = [orderOf(), orderOf(), orderOf()];
  for (const order of [resized, closed, dropped]) {
    await hosted.serve(order);
    await run(order.nodeId, 'SET', 'k', 'v');
  }
  await unloadAll();
  await hosted.serve({ ...resized, memoryLimitMb: 32 });
  await hosted.close(closed.nodeId);
  await hosted.drop(dropped.nodeId, 0);
  expect(hosted.unloaded).toBe(1);
  await hosted.wake(resized.nodeId);
  expect(hosted.find(resized.nodeId)?.maxMemory).toBe(32 * 2 ** 20);
  await hosted.serve(closed);
  await hosted.serve(dropped);
  expect([await run(closed.nodeId, 'GET', 'k'), await run(dropped.nodeId, 'GET', 'k')]).toEqual(['v', null]);
});
