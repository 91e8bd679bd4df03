import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { redisBinaries } from '#test/tools/redis-binaries.ts';

vi.setConfig({ testTimeout: 60_000 });
const main = join(import.meta.dirname, '../main.ts');
const cleanups: (() => Promise<unknown>)[] = [];
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'resp-standalone-'));
  cleanups.push(() => rm(dir, { recursive: true }));
});

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** Our server as `npm run resp` starts it. */
async function start(...args: string[]): Promise<{ client: Redis; child: ChildProcess; output: () => string }> {
  const child = spawn(process.execPath, [main, '--port', '0', '--dir', dir, ...args]);
  cleanups.push(() => stopped(child, 'SIGKILL'));
  let output = '';
  const port = await new Promise<number>((resolve, reject) => {
    const read = (text: Buffer): void => {
      output += String(text);
      const ready = /Ready to accept connections on .*:(\d+)/.exec(output);
      if (ready !== null) resolve(Number(ready[1]));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', () => reject(new Error(output)));
  });
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: null });
  client.on('error', () => {});
  cleanups.push(async () => client.disconnect());
  return { client, child, output: () => output };
}

test('SAVE and BGSAVE write a dump.rdb that is loaded at the next start, and by a real redis-server', async () => {
  const first = await start();
  await first.client.mset('a', '1', 'b', '2');
  await first.client.rpush('list', ...Array.from({ length: 1000 }, (_, i) => `element ${i}`));
  expect(await first.client.call('SAVE')).toBe('OK');
  await first.client.set('a', 'changed');
  const before = await first.client.lastsave();
  expect(await first.client.bgsave()).toBe('Background saving started');
  await expect.poll(() => first.client.info('persistence'), { timeout: 20_000 }).toContain('rdb_bgsave_in_progress:0');
  expect(await first.client.lastsave()).toBeGreaterThanOrEqual(before);
  await first.client.set('a', 'lost');
  await stopped(first.child, 'SIGKILL');

  const second = await start();
  expect(await second.client.mget('a', 'b')).toEqual(['changed', '2']);
  expect(await second.client.llen('list')).toBe(1000);
  await stopped(second.child, 'SIGTERM');
  const { checkRdb, env } = await redisBinaries();
  const check = spawn(checkRdb, [join(dir, 'dump.rdb')], { env, stdio: 'ignore' });
  expect(await once(check, 'exit')).toEqual([0, null]);
});

test('with --appendonly yes what was acknowledged under always is there after kill -9, and SIGTERM loses nothing', async () => {
  const log = ['--appendonly', 'yes', '--appendfsync', 'always'];
  const first = await start(...log);
  for (let i = 0; i < 50; i++) await first.client.incr('n');
  await first.client.multi().set('x', '1').set('y', '1').exec();
  await stopped(first.child, 'SIGKILL');
  const second = await start('--appendonly', 'yes');
  expect(await second.client.mget('n', 'x', 'y')).toEqual(['50', '1', '1']);
  expect(await second.client.call('BGREWRITEAOF')).toBe('Background append only file rewriting started');
  await second.client.incr('n');
  await stopped(second.child, 'SIGTERM');
  const third = await start('--appendonly', 'yes');
  expect(await third.client.get('n')).toBe('51');
});

test('a damaged dump.rdb keeps the server from starting, and is named', async () => {
  const first = await start();
  await first.client.set('a', '1');
  await first.client.call('SAVE');
  await stopped(first.child, 'SIGTERM');
  const file = join(dir, 'dump.rdb');
  const bytes = await readFile(file);
  bytes[bytes.length - 15]! ^= 1;
  await writeFile(file, bytes);
  await expect(start()).rejects.toThrow(/dump\.rdb can't be loaded\. .*at byte/);
});
