import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { NodeId } from '#domains/kernel/ids.ts';
import { newId } from '#infra/crypto/ids.ts';
import { createLog } from '#infra/logging/log.ts';
import { platformClient, type PlatformClient } from '#infra/redis/platform-client.ts';
import type { RunningRole } from '#infra/process/role.ts';
import { startNodeManager } from '#workers/node-manager/main.ts';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { redisBinaries } from '../tools/redis-binaries.ts';
import { openBed, type Bed, type TestNode } from './node-manager-bed.ts';
import { clientOf, closeClients, tenantOf } from './node-manager-clients.ts';
import { connectRaw } from './node-manager-wire.ts';

const run = promisify(execFile);
const signal = AbortSignal.timeout(60_000);

let bed: Bed;
let role: RunningRole;
let platform: PlatformClient;

async function start(): Promise<void> {
  role = await startNodeManager(bed.config, createLog('node-manager', 'fatal'));
  await vi.waitFor(async () => expect((await role.readiness()).ready).toBe(true), { timeout: 5000 });
}

beforeAll(async () => {
  bed = await openBed();
  await start();
  platform = platformClient((nodeId) => bed.platformToken(NodeId.parse(nodeId)));
});

afterEach(closeClients);

afterAll(async () => {
  await role.stop();
  await bed.close();
});

const of = (node: TestNode) => tenantOf(bed.port, node);
const target = ({ nodeId }: { nodeId: NodeId }) => ({ nodeId, host: '127.0.0.1', port: bed.port });
const fileOf = (objectKey: string) => path.join(bed.config.home, 'objects', objectKey);

/** Keys of all types, with and without expiry, in two databases. */
async function fill(redis: Redis, keys: number): Promise<void> {
  const pipeline = redis.pipeline();
  for (let i = 0; i < keys; i += 1) {
    pipeline.set(`s:${i}`, `value ${i}`);
    if (i % 3 === 0) pipeline.pexpire(`s:${i}`, 3_600_000 + i);
    pipeline.hset(`h:${i}`, { a: String(i), b: 'x' });
    pipeline.rpush(`l:${i}`, 'a', 'b', String(i));
    pipeline.sadd(`e:${i}`, 'a', String(i));
    pipeline.zadd(`z:${i}`, i, 'a', i / 7, 'b');
  }
  pipeline.select(3).set('elsewhere', 'yes').select(0);
  for (const [error] of (await pipeline.exec()) ?? []) expect(error).toBeNull();
}

describe('backups', () => {
  test('what SNAPSHOT stores, VERIFY finds, RESTORE brings back, and a real Redis can read', async () => {
    const node = await bed.createNode({ durability: 'always', memoryLimitMb: 64 });
    const redis = of(node);
    await fill(redis, 2000);
    const objectKey = `backups/tnt_x/${node.nodeId}/one.rdb`;
    const taken = await platform.snapshot(target(node), objectKey, signal);
    expect(taken).toMatchObject({ keys: 10_001, bytes: (await readFile(fileOf(objectKey))).length });
    const { checkRdb, env } = await redisBinaries();
    expect((await run(checkRdb, [fileOf(objectKey)], { env })).stdout).toContain('RDB looks OK');

    const verified = await platform.verify(target(node), objectKey, taken.sha256, signal);
    expect(verified).toEqual({ keys: taken.keys, digest: taken.digest, bytes: taken.bytes });

    await redis.flushall();
    await redis.set('since', 'lost by the restore');
    const restored = await platform.restore(target(node), objectKey, taken.sha256, newId('op'), signal);
    expect(restored).toEqual({ keys: taken.keys, expiredKeys: 0, digest: taken.digest });
    // The connection that was open is still there and sees the data at once.
    expect(await redis.get('since')).toBeNull();
    expect(await redis.zscore('z:21', 'b')).toBe('3');
    expect(await redis.pttl('s:3')).toBeGreaterThan(3_000_000);
    expect(await redis.select(3)).toBe('OK');
    expect(await redis.get('elsewhere')).toBe('yes');

    // It is on disk, too: the manager starts anew and holds the restored data and what came after.
    await redis.select(0);
    await redis.set('after', 'the restore');
    closeClients();
    await role.stop();
    await start();
    const again = await platform.snapshot(target(node), `${objectKey}.again`, signal);
    expect(again.keys).toBe(taken.keys + 1);
    await of(node).del('after');
    const same = await platform.snapshot(target(node), `${objectKey}.same`, signal);
    expect(same.digest).toBe(taken.digest);
  });

  test('a snapshot is of one instant, while writes go on and neighbours do not wait', async () => {
    const [node, neighbour] = await Promise.all([
      bed.createNode({ memoryLimitMb: 256 }),
      bed.createNode({ memoryLimitMb: 2 }),
    ]);
    const [redis, other] = [of(node), of(neighbour)];
    const pipeline = redis.pipeline();
    for (let i = 0; i < 60_000; i += 1) pipeline.set(`k${i}`, `${i}:${'x'.repeat(200)}`);
    await pipeline.exec();
    await other.ping();
    const over = new AbortController();
    let slowest_ms = 0;
    const pinging = (async () => {
      while (!over.signal.aborted) {
        const startedAt = performance.now();
        await other.ping();
        slowest_ms = Math.max(slowest_ms, performance.now() - startedAt);
      }
    })();
    const taking = platform.snapshot(target(node), 'backups/instant.rdb', signal);
    await Promise.all(Array.from({ length: 500 }, (_, i) => redis.set(`k${i * 100}`, 'changed')));
    const taken = await taking;
    const verified = await platform.verify(target(node), 'backups/instant.rdb', taken.sha256, signal);
    await platform.restore(target(neighbour), 'backups/instant.rdb', taken.sha256, newId('op'), signal).then(
      () => expect.unreachable('2 MiB can not hold it'),
      (error: Error) => expect(error.message).toMatch(/^RESTORE .*memory/),
    );
    over.abort();
    await pinging;
    console.log(`slowest PING of a neighbour during snapshot, verify and restore: ${slowest_ms.toFixed(1)} ms`);
    expect(verified.keys).toBe(60_000);
    expect(slowest_ms).toBeLessThan(3000);
    expect(await other.dbsize()).toBe(0);
  });

  test('an object that was changed, cut or lost is refused, and the old data stays', async () => {
    const node = await bed.createNode();
    const redis = of(node);
    await fill(redis, 50);
    const objectKey = `backups/tnt_x/${node.nodeId}/bad.rdb`;
    const taken = await platform.snapshot(target(node), objectKey, signal);
    await redis.set('precious', 'yes');
    const whole = await readFile(fileOf(objectKey));
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(200) ^ 1, 200);
    const damages: [string, Buffer][] = [
      ['a flipped bit', flipped],
      ['a cut end', whole.subarray(0, whole.length - 20)],
      ['something more', Buffer.concat([whole, Buffer.from('x')])],
      ['nothing', Buffer.alloc(0)],
    ];
    for (const [what, bytes] of damages) {
      await writeFile(fileOf(objectKey), bytes);
      await expect(platform.verify(target(node), objectKey, taken.sha256, signal), what).rejects.toThrow(/^VERIFY /);
      await expect(platform.restore(target(node), objectKey, taken.sha256, newId('op'), signal), what).rejects.toThrow(
        /^RESTORE /,
      );
      expect(await redis.get('precious'), what).toBe('yes');
    }
    await writeFile(fileOf(objectKey), whole);
    await expect(platform.restore(target(node), objectKey, '0'.repeat(64), newId('op'), signal)).rejects.toThrow(
      /SHA-256/,
    );
    await expect(platform.restore(target(node), 'backups/none.rdb', taken.sha256, newId('op'), signal)).rejects.toThrow(
      /no object/,
    );
    await expect(platform.snapshot(target(node), '../../escape', signal)).rejects.toThrow(/object key/);
    expect(await redis.get('precious')).toBe('yes');
    expect((await platform.restore(target(node), objectKey, taken.sha256, newId('op'), signal)).keys).toBe(taken.keys);
    expect(await redis.get('precious')).toBeNull();
  });

  test('a restore that is asked for again by the same operation does not undo what was written since', async () => {
    const node = await bed.createNode();
    const redis = of(node);
    await redis.set('k', 'old');
    const { sha256 } = await platform.snapshot(target(node), 'backups/once.rdb', signal);
    const own = clientOf(bed.port, { username: '@platform', password: bed.platformToken(node.nodeId) });
    const restore = (operationId: string) => own.call('MINIREDIS', 'RESTORE', 'backups/once.rdb', sha256, operationId);
    const reply = await restore('op_1');
    await redis.set('k', 'new');
    expect(await restore('op_1')).toBe(reply);
    expect(await redis.get('k')).toBe('new');
    expect(await restore('op_2')).toBe(reply);
    expect(await redis.get('k')).toBe('old');
    await expect(own.call('MINIREDIS', 'RESTORE', 'backups/once.rdb')).rejects.toThrow(/wrong number of arguments/);
  });

  test('a command whose connection ends is given up, and leaves nothing behind', async () => {
    const node = await bed.createNode({ memoryLimitMb: 256 });
    const pipeline = of(node).pipeline();
    for (let i = 0; i < 60_000; i += 1) pipeline.set(`k${i}`, 'x'.repeat(500));
    await pipeline.exec();
    const wire = await connectRaw(bed.port);
    expect(await wire.call('AUTH', '@platform', bed.platformToken(node.nodeId))).toBe('+OK');
    void wire.call('MINIREDIS', 'SNAPSHOT', 'backups/given-up.rdb').catch(() => {});
    // Until some of it is written.
    const uploading = () => readdir(path.join(bed.config.home, 'objects', '.uploads'));
    while ((await uploading()).length === 0) await sleep(2);
    wire.close();
    const taken = await platform.snapshot(target(node), 'backups/next.rdb', signal);
    expect(taken.keys).toBe(60_000);
    const objects = await readdir(path.join(bed.config.home, 'objects'), { recursive: true });
    expect(objects.filter((name) => /given-up/.test(name))).toEqual([]);
    const uploads = objects.filter((name) => name.startsWith('.') && name.includes('/'));
    expect(uploads).toEqual([]);
  });
});

describe('a node that waits for a backup', () => {
  test('says LOADING until the backup is in, then runs with its data, also after a restart', async () => {
    const source = await bed.createNode();
    await fill(of(source), 20);
    const taken = await platform.snapshot(target(source), 'backups/new.rdb', signal);
    const node = await bed.createNode({ durability: 'always' }, { restoreFrom: newId('bkp') });
    const redis = of(node);
    const loading = /^LOADING MiniRedis is restoring a backup into this node/;
    await expect(redis.get('s:1')).rejects.toThrow(loading);
    await expect(redis.set('s:1', 'x')).rejects.toThrow(loading);
    expect(await redis.info('persistence')).toContain('loading:1\r\n');
    expect((await bed.state(node.nodeId)).status).toBe('provisioning');

    await role.stop();
    await start();
    const waiting = of(node);
    await expect(waiting.get('s:1')).rejects.toThrow(loading);

    const restored = await platform.restore(target(node), 'backups/new.rdb', taken.sha256, newId('op'), signal);
    expect(restored.digest).toBe(taken.digest);
    // Whoever was told that the restore is done finds a running node.
    expect((await bed.state(node.nodeId)).status).toBe('running');
    expect(await waiting.get('s:1')).toBe('value 1');
    expect(await waiting.info('persistence')).toContain('loading:0\r\n');

    closeClients();
    await bed.command({
      type: 'StopNode',
      data: { nodeId: node.nodeId, operationId: newId('op'), reason: 'requested' },
    });
    await bed.until(node.nodeId, 'stopped');
    await bed.command({ type: 'StartNode', data: { nodeId: node.nodeId, operationId: newId('op') } });
    await bed.until(node.nodeId, 'running');
    expect(await of(node).get('s:1')).toBe('value 1');
  });
});

describe("the platform's connections", () => {
  test('run commands of the node they have a token for, and no other', async () => {
    const [node, other] = await Promise.all([bed.createNode(), bed.createNode()]);
    await of(node).set('whose', 'mine');
    const redis = clientOf(bed.port, { username: '@platform', password: bed.platformToken(node.nodeId) });
    expect(await redis.get('whose')).toBe('mine');
    const forged = bed.platformToken(node.nodeId).replace(node.nodeId, other.nodeId);
    await expect(clientOf(bed.port, { username: '@platform', password: forged }).get('x')).rejects.toThrow(/WRONGPASS/);
  });

  test('reach a stopped node only to verify its backups', async () => {
    const node = await bed.createNode();
    await of(node).set('k', 'v');
    const taken = await platform.snapshot(target(node), 'backups/stopped.rdb', signal);
    await bed.command({
      type: 'StopNode',
      data: { nodeId: node.nodeId, operationId: newId('op'), reason: 'requested' },
    });
    await bed.until(node.nodeId, 'stopped');
    expect(await platform.verify(target(node), 'backups/stopped.rdb', taken.sha256, signal)).toMatchObject({ keys: 1 });
    await expect(platform.snapshot(target(node), 'backups/x.rdb', signal)).rejects.toThrow(/start it first/);
    await expect(
      platform.restore(target(node), 'backups/stopped.rdb', taken.sha256, newId('op'), signal),
    ).rejects.toThrow(/start it first/);
    const redis = clientOf(bed.port, { username: '@platform', password: bed.platformToken(node.nodeId) });
    await expect(redis.get('k')).rejects.toThrow(/^ERR node is stopped; start it first/);
  });

  test('become an ordinary connection again when they log in as one', async () => {
    const node = await bed.createNode();
    const wire = await connectRaw(bed.port);
    expect(await wire.call('AUTH', '@platform', bed.platformToken(node.nodeId))).toBe('+OK');
    expect(await wire.call('MINIREDIS', 'NOTHING')).toMatch(/^-ERR unknown subcommand/);
    expect(await wire.call('AUTH', node.password)).toBe('+OK');
    expect(await wire.call('MINIREDIS', 'NOTHING')).toMatch(/^-ERR unknown command/);
    expect(await wire.call('AUTH', '@platform', bed.platformToken(node.nodeId))).toBe('+OK');
    expect(await wire.call('RESET')).toBe('+RESET');
    expect(await wire.call('MINIREDIS', 'NOTHING')).toMatch(/^-(ERR unknown command|NOAUTH)/);
    wire.close();
  });
});
