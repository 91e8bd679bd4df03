import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { digestOfServer, randomTraffic, serverFolder, startOurs, startRedis } from '../testing/servers.ts';
import type { RunningServer } from '../testing/servers.ts';
import { AOF, run, suiteOfServers } from '#test/tools/server-suite.ts';

const binaries = suiteOfServers();

async function rewritten({ client }: RunningServer): Promise<void> {
  await client.call('BGREWRITEAOF');
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await client.info('persistence'))) await sleep(20);
}

/** All kinds of values, large ones that change while they are written among them. */
async function fill({ client }: RunningServer): Promise<void> {
  await client.set('long', 'long text '.repeat(50_000));
  await client.setbit('bits', 3_000_000, 1);
  const words = Array.from({ length: 3000 }, (_, i) => `word ${i}`);
  await client.rpush('list', ...words);
  await client.sadd('set', ...words);
  await client.hset('hash', ...words);
  await client.zadd('zset', ...words.flatMap((word, i) => [i / 3, word]));
  await client.zadd('zset', '-inf', 'least', '1e300', 'much');
  await client.hset('small', 'field', 'value \u0000\r\n');
  await client.set('expires', '1', 'PX', 10_000_000);
  for (let i = 1; i <= 300; i++) await client.xadd('stream', `5-${i}`, 'field', String(i));
  await client.xgroup('CREATE', 'stream', 'group', '5-3');
  await client.xreadgroup('GROUP', 'group', 'reader', 'COUNT', 50, 'STREAMS', 'stream', '>');
  await client.xdel('stream', '5-299', '5-300');
  await client.xadd('emptied', '7-1', 'a', 'b');
  await client.xtrim('emptied', 'MAXLEN', 0);
  await client.xgroup('CREATE', 'new', 'group', '$', 'MKSTREAM');
  await client.call('FUNCTION', 'LOAD', "#!lua name=lib\nredis.register_function('f', function() return 'f' end)");
  await client.select(3);
  await client.set('elsewhere', 'x');
  await client.select(0);
}

const QUESTIONS = ['XINFO STREAM stream', 'XPENDING stream group', 'XINFO GROUPS stream', 'XINFO STREAM emptied', 'XINFO STREAM new', 'PEXPIRETIME expires', 'FCALL f 0']; // prettier-ignore

async function answers({ client }: RunningServer): Promise<unknown[]> {
  const replies = await Promise.all(QUESTIONS.map((line) => client.call(...(line.split(' ') as [string]))));
  // How a radix tree is laid out, which differs, is left out.
  return replies.map((reply) => JSON.stringify(reply).replace(/"radix-tree-(keys|nodes)",\d+,/g, ''));
}

test('a base of commands is what Redis would write: checked, loaded and gone on with by a real server', async () => {
  const dir = await serverFolder();
  const ours = await startOurs(dir, [...AOF, '--aof-use-rdb-preamble', 'no']);
  await randomTraffic(ours, 31, 2000);
  await ours.client.flushall();
  await fill(ours);
  const writes = (async () => {
    for (let i = 0; i < 400; i++) {
      await ours.client.pipeline().rpush('list', `more ${i}`).hset('hash', `more ${i}`, i).zincrby('zset', 1, 'word 7').srem('set', `word ${i}`).incr('n').append('long', '.').exec(); // prettier-ignore
    }
  })();
  await rewritten(ours);
  await writes;
  const expected = await answers(ours);
  const content = await digestOfServer(ours, dir);
  await ours.stop('SIGTERM');
  expect((await readdir(join(dir, 'appendonlydir'))).sort()).toEqual([
    'appendonly.aof.2.base.aof',
    'appendonly.aof.2.incr.aof',
    'appendonly.aof.manifest',
  ]);
  const base = await readFile(join(dir, 'appendonlydir/appendonly.aof.2.base.aof'), 'latin1');
  expect(base.startsWith('*')).toBe(true);
  const { stdout } = await run(binaries.checkAof, [join(dir, 'appendonlydir/appendonly.aof.manifest')], binaries);
  expect(stdout).toContain('All AOF files and manifest are valid');
  const theirs = await startRedis(binaries, dir, ['--appendonly', 'yes']);
  expect(await answers(theirs)).toEqual(expected);
  expect(await digestOfServer(theirs, dir)).toEqual(content);
  await theirs.stop('SIGTERM');
  const again = await startOurs(dir, AOF);
  expect(await answers(again)).toEqual(expected);
  // What is set while it runs holds from the next rewrite on.
  await again.client.config('SET', 'aof-use-rdb-preamble', 'yes');
  await rewritten(again);
  expect(await readdir(join(dir, 'appendonlydir'))).toContain('appendonly.aof.3.base.rdb');
});

test('an empty server has an empty base of commands', async () => {
  const dir = await serverFolder();
  const ours = await startOurs(dir, [...AOF, '--aof-use-rdb-preamble', 'no']);
  await ours.client.set('k', 'v');
  await ours.stop('SIGTERM');
  expect((await stat(join(dir, 'appendonlydir/appendonly.aof.1.base.aof'))).size).toBe(0);
  expect(await (await startRedis(binaries, dir, ['--appendonly', 'yes'])).client.get('k')).toBe('v');
});

test('an RDB file is compressed unless it shall not be, and a real server reads it', async () => {
  const dir = await serverFolder();
  const ours = await startOurs(dir, ['--save', '']);
  await fill(ours);
  const record = JSON.stringify({
    name: 'somebody',
    street: 'some street',
    city: 'some city',
    some: 'more of the same',
  });
  for (let i = 0; i < 300; i++) await ours.client.set(`json ${i}`, record + String(i));
  const expected = await answers(ours);
  const sizes: number[] = [];
  for (const setting of ['yes', 'no']) {
    await ours.client.config('SET', 'rdbcompression', setting);
    const content = await digestOfServer(ours, dir);
    sizes.push((await stat(join(dir, 'dump.rdb'))).size);
    const { stdout } = await run(binaries.checkRdb, [join(dir, 'dump.rdb')], binaries);
    expect(stdout).toContain('RDB looks OK');
    const copy = await serverFolder();
    await run('cp', [join(dir, 'dump.rdb'), copy]);
    const theirs = await startRedis(binaries, copy);
    expect(await answers(theirs)).toEqual(expected);
    expect(await digestOfServer(theirs, copy)).toEqual(content);
    await theirs.stop('SIGTERM');
    // What it compresses itself becomes as small, or nearly.
    if (setting === 'yes') expect(sizes[0]).toBeLessThan((await stat(join(copy, 'dump.rdb'))).size * 1.3);
  }
  expect(sizes[0]).toBeLessThan(sizes[1]! / 3);
});
