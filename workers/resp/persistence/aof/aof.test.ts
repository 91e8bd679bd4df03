import { appendFile, copyFile, cp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { digestOfServer, randomTraffic, serverFolder, startOurs, startRedis } from '../testing/servers.ts';
import type { RunningServer } from '../testing/servers.ts';
import { AOF, run, suiteOfServers } from '#test/tools/server-suite.ts';

const binaries = suiteOfServers();

async function rewritten({ client }: RunningServer): Promise<void> {
  await expect.poll(() => client.info('persistence'), { timeout: 20_000 }).toMatch(/aof_rewrite_in_progress:0/);
  expect(await client.info('persistence')).toContain('aof_last_bgrewrite_status:ok');
}

const incrementOf = (dir: string, number = 1): string =>
  join(dir, 'appendonlydir', `appendonly.aof.${number}.incr.aof`);

describe("Redis's append-only files", () => {
  test('as we write them are accepted by redis-check-aof and loaded by a real redis-server', async () => {
    const dir = await serverFolder();
    const ours = await startOurs(dir, [...AOF, '--aof-timestamp-enabled', 'yes']);
    await randomTraffic(ours, 11, 4000);
    expect(await ours.client.call('BGREWRITEAOF')).toBe('Background append only file rewriting started');
    await randomTraffic(ours, 12, 4000);
    await rewritten(ours);
    await randomTraffic(ours, 13, 1000);
    const expected = await digestOfServer(ours, dir);
    expect(expected.keys).toBeGreaterThan(10);
    await ours.stop('SIGTERM');
    expect((await readdir(join(dir, 'appendonlydir'))).sort()).toEqual([
      'appendonly.aof.2.base.rdb',
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.manifest',
    ]);
    const { checkAof, env } = binaries;
    const { stdout } = await run(checkAof, [join(dir, 'appendonlydir/appendonly.aof.manifest')], { env });
    expect(stdout).toContain('All AOF files and manifest are valid');
    const theirs = await startRedis(binaries, dir, ['--appendonly', 'yes']);
    expect(await digestOfServer(theirs, dir)).toEqual(expected);
  });

  test('as a real redis-server writes them are loaded, whichever form the base has', async () => {
    for (const preamble of ['yes', 'no']) {
      const dir = await serverFolder();
      const settings = ['--appendonly', 'yes', '--aof-use-rdb-preamble', preamble, '--aof-timestamp-enabled', 'yes'];
      const theirs = await startRedis(binaries, dir, settings);
      await randomTraffic(theirs, 21, 3000);
      await theirs.client.call('BGREWRITEAOF');
      await rewritten(theirs);
      await randomTraffic(theirs, 22, 3000);
      await theirs.stop('SIGTERM');
      // What it makes of its files itself: a consumer that has got nothing is not in them, for example.
      const again = await startRedis(binaries, dir, settings);
      const expected = await digestOfServer(again, dir);
      await again.stop('SIGTERM');
      const ours = await startOurs(dir, AOF);
      expect(await digestOfServer(ours, dir)).toEqual(expected);
      await randomTraffic(ours, 23, 500);
      const after = await digestOfServer(ours, dir);
      await ours.stop('SIGTERM');
      expect(await digestOfServer(await startRedis(binaries, dir, settings), dir)).toEqual(after);
    }
  });

  test('of versions before 7, one file with or without an RDB preamble, become the base', async () => {
    const made = await serverFolder();
    const theirs = await startRedis(binaries, made, ['--appendonly', 'yes']);
    await theirs.client.mset('a', '1', 'b', '2');
    await theirs.client.call('BGREWRITEAOF');
    await rewritten(theirs);
    await theirs.client.set('c', '3');
    await theirs.stop('SIGTERM');
    const commands = await readFile(incrementOf(made, 2));
    const preamble = await readFile(join(made, 'appendonlydir/appendonly.aof.2.base.rdb'));
    for (const [content, values] of [
      [commands, [null, null, '3']],
      [Buffer.concat([preamble, commands]), ['1', '2', '3']],
    ] as const) {
      const dir = await serverFolder();
      await writeFile(join(dir, 'appendonly.aof'), content);
      const ours = await startOurs(dir, AOF);
      expect(await ours.client.mget('a', 'b', 'c')).toEqual(values);
      await ours.client.set('d', '4');
      await ours.stop('SIGTERM');
      const real = await startRedis(binaries, dir, ['--appendonly', 'yes']);
      expect(await real.client.mget('c', 'd')).toEqual(['3', '4']);
      await real.stop('SIGTERM');
      // Another old file that appears beside them later is no part of the log.
      await writeFile(join(dir, 'appendonly.aof'), '*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$5\r\nother\r\n');
      expect(await (await startOurs(dir, AOF)).client.get('c')).toBe('3');
    }
  });
});

test('a script in the file of an old version is carried out whole before what follows it', async () => {
  const dir = await serverFolder();
  const script =
    "for i = 1, 3000000 do if i % 100000 == 0 then redis.call('INCR', 'n') end end redis.call('SET', 's', 'x')";
  const commands = [
    ['SELECT', '0'],
    ['EVAL', script, '0'],
    ['APPEND', 's', 'y'],
  ];
  const words = (args: string[]) => `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
  await writeFile(join(dir, 'appendonly.aof'), commands.map(words).join(''));
  const ours = await startOurs(dir, AOF);
  expect(await ours.client.mget('n', 's')).toEqual(['30', 'xy']);
});

describe('what a crash leaves', () => {
  async function written(): Promise<string> {
    const dir = await serverFolder();
    const ours = await startOurs(dir, [...AOF, '--appendfsync', 'always']);
    await ours.client.set('first', '1');
    await ours.client.multi().set('x', '1').set('y', '2').exec();
    await ours.stop();
    return dir;
  }

  test('is cut to the last whole command or transaction, wherever it tore, and reported', async () => {
    const dir = await written();
    const { size } = await stat(incrementOf(dir));
    const text = await readFile(incrementOf(dir), 'latin1');
    const multi = text.indexOf('*1\r\n$5\r\nMULTI');
    for (const length of [size - 1, size - 9, multi + 30, multi + 3]) {
      const torn = await serverFolder();
      await cp(dir, torn, { recursive: true });
      await truncate(incrementOf(torn), length);
      const ours = await startOurs(torn, AOF);
      expect(await ours.client.mget('first', 'x', 'y')).toEqual(['1', null, null]);
      expect(ours.output()).toContain(`${length - multi} bytes of an unfinished command were cut off`);
      expect(await ours.client.info('persistence')).toContain(`aof_last_load_cut_bytes:${length - multi}`);
      await ours.client.set('after', '1');
      await ours.stop('SIGTERM');
      expect(await (await startRedis(binaries, torn, ['--appendonly', 'yes'])).client.mget('x', 'after')).toEqual([
        null,
        '1',
      ]);
    }
  });

  test('is refused when aof-load-truncated is no, and so is damage before the end, always', async () => {
    const dir = await written();
    await appendFile(incrementOf(dir), '*2\r\n$3\r\nDEL');
    await expect(startOurs(dir, [...AOF, '--aof-load-truncated', 'no'])).rejects.toThrow(/Unexpected end of file/);
    const bytes = await readFile(incrementOf(dir));
    bytes[30] = 0;
    await writeFile(incrementOf(dir), bytes);
    await expect(startOurs(dir, AOF)).rejects.toThrow(
      /Bad file format reading the append only file .*incr\.aof at byte/,
    );
    await rm(incrementOf(dir));
    await expect(startOurs(dir, AOF)).rejects.toThrow(/incr\.aof doesn't exist: No such file or directory/);
  });

  test('in a file that is not the last one is refused', async () => {
    const dir = await written();
    const folder = join(dir, 'appendonlydir');
    await copyFile(incrementOf(dir), incrementOf(dir, 2));
    await truncate(incrementOf(dir), 60);
    await appendFile(join(folder, 'appendonly.aof.manifest'), 'file appendonly.aof.2.incr.aof seq 2 type i\n');
    await expect(startOurs(dir, AOF)).rejects.toThrow(/the truncated file is not the last file/);
    // An increment that was begun and not written to yet does not count.
    await writeFile(incrementOf(dir, 2), '');
    expect(await (await startOurs(dir, AOF)).client.get('first')).toBe('1');
  });

  test('of a rewrite that did not come to its end does no harm', async () => {
    const dir = await written();
    const folder = join(dir, 'appendonlydir');
    await writeFile(join(folder, 'temp-1-appendonly.aof.2.base.rdb'), 'REDIS0010half of it');
    await writeFile(incrementOf(dir, 2), 'left over');
    const ours = await startOurs(dir, AOF);
    expect(await ours.client.mget('first', 'x')).toEqual(['1', '1']);
    await ours.client.call('BGREWRITEAOF');
    await rewritten(ours);
    await ours.client.set('x', 'after');
    await ours.stop('SIGTERM');
    expect(await (await startRedis(binaries, dir, ['--appendonly', 'yes'])).client.mget('first', 'x')).toEqual([
      '1',
      'after',
    ]);
  });
});

describe('while the server runs', () => {
  test('append-only files are turned on and off, and never lack what was written meanwhile', async () => {
    const dir = await serverFolder();
    const ours = await startOurs(dir, ['--save', '']);
    await ours.client.set('before', '1');
    await ours.client.config('SET', 'appendonly', 'yes');
    await ours.client.set('meanwhile', '1');
    await rewritten(ours);
    expect(await ours.client.info('persistence')).toMatch(/aof_enabled:1/);
    await ours.client.set('after', '1');
    // A reply under everysec leaves a moment before the write does.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await ours.stop();
    const again = await startOurs(dir, AOF);
    expect(await again.client.mget('before', 'meanwhile', 'after')).toEqual(['1', '1', '1']);
    await again.client.config('SET', 'appendonly', 'no');
    await again.client.set('off', '1');
    await again.client.config('SET', 'appendonly', 'yes');
    await rewritten(again);
    await again.stop('SIGTERM');
    expect(await (await startRedis(binaries, dir, ['--appendonly', 'yes'])).client.mget('before', 'off')).toEqual([
      '1',
      '1',
    ]);
  });

  test('a rewrite begins by itself when the files have grown, and loses nothing of the writes that go on', async () => {
    const dir = await serverFolder();
    const ours = await startOurs(dir, [...AOF, '--auto-aof-rewrite-min-size', '200kb']);
    let count = 0;
    const writing = Array.from({ length: 8 }, async (_, client) => {
      for (let i = 0; i < 1500; i++) {
        await ours.client
          .multi()
          .incr('count')
          .set(`key ${client} ${i % 50}`, 'x'.repeat(100))
          .exec();
        count++;
      }
    });
    await Promise.all(writing);
    await rewritten(ours);
    expect(Number(/aof_rewrites:(\d+)/.exec(await ours.client.info('persistence'))![1])).toBeGreaterThan(1);
    await ours.stop();
    const again = await startOurs(dir, AOF);
    expect(await again.client.get('count')).toBe(String(count));
    expect(await again.client.dbsize()).toBe(401);
  });

  test('data is saved by save points, at the end, and when a failed save refuses writes this is said', async () => {
    const dir = await serverFolder();
    const ours = await startOurs(dir, ['--save', '1', '2']);
    await ours.client.mset('a', '1', 'b', '2');
    await ours.client.set('c', '3');
    await expect.poll(() => ours.client.info('persistence'), { timeout: 10_000 }).toMatch(/rdb_saves:1/);
    await ours.client.set('d', '4');
    await ours.stop('SIGTERM');
    const again = await startOurs(dir, ['--save', '900 1 300 10']);
    expect(await again.client.mget('a', 'd')).toEqual(['1', '4']);
    expect(await again.client.config('GET', 'save')).toEqual(['save', '900 1 300 10']);
    // A folder stands where the file belongs.
    await rm(join(dir, 'dump.rdb'));
    await mkdir(join(dir, 'dump.rdb/x'), { recursive: true });
    await expect(again.client.call('SAVE')).rejects.toThrow();
    await expect(again.client.set('x', '1')).rejects.toThrow(/MISCONF/);
    await rm(join(dir, 'dump.rdb'), { recursive: true });
    expect(await again.client.call('SAVE')).toBe('OK');
    expect(await again.client.set('x', '1')).toBe('OK');
    await again.client.set('unsaved', '1');
    await again.client.call('SHUTDOWN', 'NOSAVE').catch(() => {});
    expect(await (await startOurs(dir)).client.mget('x', 'unsaved')).toEqual([null, null]);
  });

  test('DEBUG RELOAD and LOADAOF bring back the same data', async () => {
    const dir = await serverFolder();
    const ours = await startOurs(dir, AOF);
    await randomTraffic(ours, 31, 2000);
    const before = await digestOfServer(ours, dir);
    expect(await ours.client.call('DEBUG', 'RELOAD')).toBe('OK');
    expect(await digestOfServer(ours, dir)).toEqual(before);
    expect(await ours.client.call('DEBUG', 'LOADAOF')).toBe('OK');
    expect(await digestOfServer(ours, dir)).toEqual(before);
    await ours.client.call('FLUSHALL');
    expect(await ours.client.call('DEBUG', 'RELOAD', 'NOSAVE')).toBe('OK');
    expect(await digestOfServer(ours, dir)).toEqual(before);
  });
});
