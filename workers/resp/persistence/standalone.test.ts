import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, expect, test, vi } from 'vitest';

import { redisBinaries } from '#test/tools/redis-binaries.ts';

import {
  digestOfServer,
  randomTraffic,
  removeServers,
  serverFolder,
  startOurs,
  startRedis,
} from './testing/servers.ts';

vi.setConfig({ testTimeout: 120_000 });

afterEach(removeServers);

test('SAVE and BGSAVE write a dump.rdb that is loaded at the next start, and by a real redis-server', async () => {
  const dir = await serverFolder();
  const first = await startOurs(dir);
  await first.client.mset('a', '1', 'b', '2');
  await first.client.rpush('list', ...Array.from({ length: 1000 }, (_, i) => `element ${i}`));
  expect(await first.client.call('SAVE')).toBe('OK');
  await first.client.set('a', 'changed');
  const before = await first.client.lastsave();
  expect(await first.client.bgsave()).toBe('Background saving started');
  await expect.poll(() => first.client.info('persistence'), { timeout: 20_000 }).toContain('rdb_bgsave_in_progress:0');
  expect(await first.client.lastsave()).toBeGreaterThanOrEqual(before);
  await first.client.set('a', 'lost');
  await first.stop();

  const second = await startOurs(dir);
  expect(await second.client.mget('a', 'b')).toEqual(['changed', '2']);
  expect(await second.client.llen('list')).toBe(1000);
});

test('random keyspaces of all types go both ways, and redis-check-rdb passes', async () => {
  const binaries = await redisBinaries();
  for (const seed of [41, 42, 43]) {
    const dir = await serverFolder();
    const ours = await startOurs(dir, ['--save', '']);
    await randomTraffic(ours, seed, 3000);
    const expected = await digestOfServer(ours, dir);
    expect(expected.keys).toBeGreaterThan(10);
    await ours.stop();
    const check = spawn(binaries.checkRdb, [join(dir, 'dump.rdb')], { env: binaries.env, stdio: 'ignore' });
    expect(await once(check, 'exit')).toEqual([0, null]);
    const theirs = await startRedis(binaries, dir);
    expect(await digestOfServer(theirs, dir)).toEqual(expected);
    await randomTraffic(theirs, seed + 100, 2000);
    const changed = await digestOfServer(theirs, dir);
    await theirs.stop();
    expect(await digestOfServer(await startOurs(dir), dir)).toEqual(changed);
  }
});

test('a damaged dump.rdb keeps the server from starting, and is named', async () => {
  const dir = await serverFolder();
  const first = await startOurs(dir);
  await first.client.set('a', '1');
  await first.client.call('SAVE');
  await first.stop('SIGTERM');
  const file = join(dir, 'dump.rdb');
  const bytes = await readFile(file);
  bytes[bytes.length - 15]! ^= 1;
  await writeFile(file, bytes);
  await expect(startOurs(dir)).rejects.toThrow(/dump\.rdb can't be loaded\. .*at byte/);
});
