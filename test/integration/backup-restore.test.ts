import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { BackupId, NodeId } from '#domains/kernel/ids.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { loadState } from '#infra/commands/execute.ts';
import { freePort } from '#infra/local/free-port.ts';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';

import { testTemporal, type TestTemporal } from './temporal-server.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';
import { openWorkflowBed, type WorkflowBed } from './workflow-bed.ts';

let temporal: TestTemporal;
let bed: WorkflowBed;
let manager: WorkerProcess;
let worker: WorkerProcess;
const clients: Redis[] = [];

beforeAll(async () => {
  temporal = await testTemporal();
  await temporal.start();
}, 590_000);
afterAll(() => temporal.remove());

beforeEach(async () => {
  bed = await openWorkflowBed(temporal, { RESP_PORT: String(await freePort()) });
  [manager, worker] = await Promise.all([
    startWorkerProcess('node-manager', bed.config),
    startWorkerProcess('backup', bed.config),
  ]);
  await vi.waitFor(async () => expect(await manager.readiness()).toMatchObject({ ready: true }), 10_000);
}, 60_000);
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await Promise.all([manager.kill(), worker.kill()]);
  await bed.close();
});

const stateOf = async (nodeId: NodeId) => (await loadState(bed.access.log, nodeStream(nodeId), nodeDecider)).state;
const running = (nodeId: NodeId) =>
  vi.waitFor(async () => expect((await stateOf(nodeId)).status).toBe('running'), { timeout: 20_000, interval: 20 });

function connect(nodeId: NodeId): Redis {
  const client = new Redis({
    host: '127.0.0.1',
    port: bed.config.respPort,
    username: nodeId,
    password: bed.passwordOf(nodeId),
  });
  client.on('error', () => {});
  clients.push(client);
  return client;
}

async function node(): Promise<{ nodeId: NodeId; redis: Redis }> {
  const nodeId = await bed.createNode({ running: false });
  await running(nodeId);
  return { nodeId, redis: connect(nodeId) };
}

/** Keys of all types, small and large, some with a time to live. */
async function fill(redis: Redis, count: number): Promise<void> {
  const pipeline = redis.pipeline();
  for (let n = 0; n < count; n += 1) {
    pipeline.set(`string:${n}`, n % 3 === 0 ? randomBytes(40) : String(n));
    pipeline.hset(`hash:${n}`, { field: String(n), other: `value ${n}` });
    pipeline.rpush(`list:${n}`, 'a', String(n), 'c');
    pipeline.sadd(`set:${n}`, 'x', String(n), `member-${n}`);
    pipeline.zadd(`zset:${n}`, 1.5, 'one', n, 'two', '-inf', 'least');
    if (n % 10 === 0) pipeline.pexpire(`string:${n}`, 3_600_000 + n);
    if (n % 10 === 1) pipeline.expire(`hash:${n}`, 7200);
  }
  pipeline.set(Buffer.from([0, 255, 13, 10, 128]), Buffer.alloc(100_000, 7));
  for (let n = 0; n < 2000; n += 1) pipeline.hset('large-hash', `f${n}`, `v${n}`);
  for (let n = 0; n < 2000; n += 1) pipeline.zadd('large-zset', n / 7, `m${n}`);
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
}

/** Everything a client can see of a node, in an order that does not depend on the node. */
async function seen(redis: Redis): Promise<Map<string, unknown>> {
  const keys: Buffer[] = [];
  let cursor = '0';
  do {
    const [next, found] = await redis.scanBuffer(cursor, 'COUNT', 500);
    cursor = next.toString();
    keys.push(...found);
  } while (cursor !== '0');
  const content = new Map<string, unknown>();
  await Promise.all(
    [...new Set(keys.map((key) => key.toString('latin1')))].sort().map(async (name) => {
      const key = Buffer.from(name, 'latin1');
      const [type, expiresAt] = await Promise.all([redis.type(key), redis.pexpiretime(key)]);
      content.set(name, { type, expiresAt, value: await valueOf(redis, key, type) });
    }),
  );
  return new Map([...content].sort(([left], [right]) => (left < right ? -1 : 1)));
}

async function valueOf(redis: Redis, key: Buffer, type: string): Promise<unknown> {
  switch (type) {
    case 'string':
      return (await redis.getBuffer(key))?.toString('latin1');
    case 'hash':
      return Object.entries(await redis.hgetall(key)).sort(([left], [right]) => (left < right ? -1 : 1));
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return (await redis.smembers(key)).sort();
    default:
      return redis.call('ZRANGE', key, '0', '-1', 'WITHSCORES');
  }
}

async function backUp(nodeId: NodeId): Promise<BackupId> {
  const { backupId, operationId } = await bed.requestBackup(nodeId);
  expect(await bed.ended(operationId)).toMatchObject({ state: 'succeeded' });
  return backupId;
}

test('all types with their expiries come back, in a new node and in place', async () => {
  const { nodeId, redis } = await node();
  await fill(redis, 400);
  const before = await seen(redis);
  expect(before.size).toBe(2003);
  await redis.mset('gone:1', 'soon', 'gone:2', 'soon');
  // Long enough for the backup to find them, also on a busy machine.
  const over = Date.now() + 10_000;
  await Promise.all([redis.pexpireat('gone:1', over), redis.pexpireat('gone:2', over)]);
  const backupId = await backUp(nodeId);
  await sleep(Math.max(0, over - Date.now()));

  const fresh = await bed.createNode({ restoreFrom: backupId });
  const waiting = connect(fresh);
  const restored = await bed.ended(await bed.requestRestore(backupId, fresh, false));
  expect(restored).toMatchObject({ state: 'succeeded', result: { keys: 2005, expiredKeys: 2 } });
  expect((await stateOf(fresh)).status).toBe('running');
  expect(await seen(waiting)).toEqual(before);

  await redis.flushall();
  await redis.set('written since', 'lost');
  const inPlace = await bed.ended(await bed.requestRestore(backupId, nodeId, true));
  expect(inPlace).toMatchObject({ state: 'succeeded' });
  expect(await seen(redis)).toEqual(before);
}, 120_000);

test('a damaged object: the restore says why, the old data stays, and a new node goes', async () => {
  const { nodeId, redis } = await node();
  await fill(redis, 50);
  const backupId = await backUp(nodeId);
  const [key = ''] = await bed.storedKeys();
  const file = path.join(fileURLToPath(bed.config.objectStoreUrl), key);
  const content = await readFile(file);
  content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 0xff;
  await writeFile(file, content);
  await redis.set('written since', 'kept');
  const before = await seen(redis);

  const inPlace = await bed.ended(await bed.requestRestore(backupId, nodeId, true));
  expect(inPlace.state).toBe('failed');
  expect(inPlace.error?.detail).toMatch(/The node's data is as it was before\.$/);
  expect(await seen(redis)).toEqual(before);

  const fresh = await bed.createNode({ restoreFrom: backupId });
  const intoNew = await bed.ended(await bed.requestRestore(backupId, fresh, false));
  expect(intoNew.state).toBe('failed');
  expect(intoNew.error?.detail).toMatch(/The new node was removed\.$/);
  await vi.waitFor(async () => expect((await stateOf(fresh)).status).toBe('deleted'), 10_000);
}, 120_000);

test('worker and node manager killed in the middle, in turn: the backup ends well all the same', async () => {
  const { nodeId, redis } = await node();
  await fill(redis, 4000);
  const before = await seen(redis);
  const { backupId, operationId } = await bed.requestBackup(nodeId);
  const begun = () =>
    vi.waitFor(async () => expect((await bed.operation(operationId)).state).not.toBe('pending'), {
      timeout: 20_000,
      interval: 5,
    });
  await begun();
  await worker.kill();
  await manager.kill();
  manager = await startWorkerProcess('node-manager', bed.config);
  worker = await startWorkerProcess('backup', bed.config);
  expect(await bed.ended(operationId, 90_000)).toMatchObject({ state: 'succeeded' });
  await vi.waitFor(async () => expect(await bed.storedKeys()).toHaveLength(1), 20_000);

  await redis.flushall();
  const restoreId = await bed.requestRestore(backupId, nodeId, true);
  await vi.waitFor(async () => expect((await bed.operation(restoreId)).state).not.toBe('pending'), {
    timeout: 20_000,
    interval: 5,
  });
  await worker.kill();
  worker = await startWorkerProcess('backup', bed.config);
  expect(await bed.ended(restoreId, 90_000)).toMatchObject({ state: 'succeeded' });
  expect(await seen(redis)).toEqual(before);
}, 240_000);
