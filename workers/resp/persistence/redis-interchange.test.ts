import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { Redis } from 'ioredis';
import { afterEach, beforeAll, expect, test } from 'vitest';

import { redisBinaries } from '#test/tools/redis-binaries.ts';
import type { RedisBinaries } from '#test/tools/redis-binaries.ts';

import { Node } from '../keyspace/node.ts';
import { rdbCodec } from './codec.ts';
import { loadRdb } from './load.ts';
import { TYPE } from './rdb/format.ts';
import { snapshotRdb } from './snapshot.ts';
import {
  chunked,
  collect,
  digestOf,
  hashOf,
  listOf,
  nodeOf,
  plain,
  setOf,
  streamOf,
  zsetOf,
} from './testing/keyspaces.ts';
import type { Entry } from './testing/keyspaces.ts';
import { payload, ziplist } from './testing/old-payloads.ts';

let binaries: RedisBinaries;
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  binaries = await redisBinaries();
});

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A real redis-server in a folder of its own, with a dump.rdb to load when one is given. */
async function startRedis(dump?: Buffer): Promise<{ client: Redis; file: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'resp-rdb-'));
  const file = join(dir, 'dump.rdb');
  if (dump !== undefined) await writeFile(file, dump);
  const port = await freePort();
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    '--save',
    '',
    '--enable-debug-command',
    'yes',
  ];
  const server: ChildProcess = spawn(binaries.server, args, { env: binaries.env, stdio: 'ignore' });
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50, maxRetriesPerRequest: 100 });
  client.on('error', () => {});
  cleanups.push(async () => {
    client.disconnect();
    server.kill('SIGKILL');
    if (server.exitCode === null) await once(server, 'exit');
    await rm(dir, { recursive: true });
  });
  while ((await client.ping().catch(() => '')) !== 'PONG');
  return { client, file };
}

async function rdbOf(node: Node): Promise<Buffer> {
  return collect(snapshotRdb(node).stream);
}

async function loaded(bytes: Buffer) {
  const node = new Node({ id: 'loaded' });
  return { node, ...(await loadRdb(chunked(bytes, 10_000), node, Date.now())) };
}

const compressible = 'abcabcabd'.repeat(3000);
const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('latin1');
const numbers = (count: number, step = 1) => Array.from({ length: count }, (_, i) => String((i - 3) * step));
const words = (count: number) =>
  Array.from({ length: count }, (_, i) => `word ${i} ${binary.slice(i % 200, (i % 200) + 20)}`);

function everything(): Entry[] {
  const values = [
    '', '0', '-129', '70000', '99999999999', '007', binary, compressible,
    listOf(['a']), listOf(numbers(500)), listOf(words(5000)), listOf([compressible.repeat(4), 'b']),
    setOf(numbers(10)), setOf(numbers(600, 1e6)), setOf(numbers(300, 2 ** 40)), setOf(words(10)), setOf(words(3000)),
    hashOf(words(5).map((w, i) => [w, String(i)])), hashOf(words(2000).map((w) => [w, w])), hashOf([['f', compressible]]),
    zsetOf(words(9).map((w, i) => [w, i / 3])), zsetOf(words(2000).map((w, i) => [w, -i])),
    zsetOf([['inf', Infinity], ['-inf', -Infinity], ['tiny', 5e-324], ['big', 1.7e308], ['third', 1 / 3]]),
    streamOf(0), streamOf(1), streamOf(50), streamOf(5000), streamOf(300, words(20)), streamOf(30, [compressible]),
  ]; // prettier-ignore
  return values.map((value, i) => ({
    db: [0, 0, 1, 15][i % 4]!,
    key: `key ${i} ${i === 3 ? binary : ''}`,
    value,
    expireAtMs: i % 5 === 0 ? 4_102_444_800_123 + i : undefined,
  }));
}

test('a real redis-server loads our snapshots, and redis-check-rdb passes', async () => {
  const node = nodeOf(everything());
  const { client, file } = await startRedis(await rdbOf(node));
  const check = await promisify(execFile)(binaries.checkRdb, [file], { env: binaries.env });
  expect(check.stdout).toContain('RDB looks OK');
  for (const { db, key, value, expireAtMs } of everything()) {
    await client.select(db);
    const name = Buffer.from(key, 'latin1');
    const dump = (await client.dumpBuffer(name)).toString('latin1');
    expect(plain(rdbCodec.deserializeValue(dump)!), key).toEqual(plain(value));
    expect(await client.call('PEXPIRETIME', name)).toBe(expireAtMs ?? -1);
  }
});

test('what redis-server writes in all its encodings reads back equal, and goes back into a redis-server equal', async () => {
  const { client, file } = await startRedis(await rdbOf(nodeOf(everything())));
  const config = async (settings: Record<string, string>) => {
    for (const [name, setting] of Object.entries(settings)) await client.config('SET', name, setting);
  };
  const seen = new Set<string>();
  const compact = {
    'hash-max-listpack-entries': '512',
    'zset-max-listpack-entries': '512',
    'list-compress-depth': '1',
  };
  const spread = {
    'hash-max-listpack-entries': '0',
    'zset-max-listpack-entries': '0',
    'set-max-intset-entries': '0',
    rdbcompression: 'no',
  };
  for (const settings of [{}, compact, spread]) {
    await config(settings);
    await client.call('DEBUG', 'RELOAD');
    await client.call('SAVE');
    for (const { db, key } of everything()) {
      await client.select(db);
      seen.add(String(await client.object('ENCODING', Buffer.from(key, 'latin1'))));
    }
    const { node, ...result } = await loaded(await readFile(file));
    expect(result).toMatchObject({ keys: everything().length, expiredKeys: 0, digest: digestOf(nodeOf(everything())) });
    const second = await startRedis(await rdbOf(node));
    expect(await second.client.call('DEBUG', 'DIGEST')).toBe(await client.call('DEBUG', 'DIGEST'));
  }
  expect([...seen].sort()).toEqual([
    'embstr',
    'hashtable',
    'int',
    'intset',
    'listpack',
    'quicklist',
    'raw',
    'skiplist',
    'stream',
  ]);
});

test('DUMP of a real server restores here, and ours restores there', async () => {
  const { client } = await startRedis();
  for (const { key, value } of everything()) {
    const name = Buffer.from(key, 'latin1');
    const ours = Buffer.from(rdbCodec.serializeValue(value), 'latin1');
    expect(await client.restore(name, 0, ours, 'REPLACE')).toBe('OK');
    const theirs = (await client.dumpBuffer(name)).toString('latin1');
    expect(plain(rdbCodec.deserializeValue(theirs)!)).toEqual(plain(value));
  }
});

test('old encodings mean the same to a real server, which still reads them, and to us', async () => {
  const { client } = await startRedis();
  const integers = [0n, 12n, 13n, -1n, -128n, 128n, -32_769n, 8_388_607n, -8_388_609n, 2n ** 31n, -(2n ** 63n)];
  const list = ziplist([...integers, 'a', 'b'.repeat(63), 'c'.repeat(64), 'd'.repeat(300), 'e'.repeat(16_384), binary]);
  const zipmap = Buffer.from('\x02\x01a\x02\x00xy\x01b\x01\x03z...\xff', 'latin1');
  const payloads = [
    payload(TYPE.listZiplist, (out) => out.string(list.toString('latin1'))),
    payload(TYPE.hashZiplist, (out) => out.string(ziplist(['f', 5n, 'g', 'text']).toString('latin1'))),
    payload(TYPE.zsetZiplist, (out) => out.string(ziplist(['m', 1n, 'n', '1.5', 'o', 'inf']).toString('latin1'))),
    payload(TYPE.hashZipmap, (out) => out.string(zipmap.toString('latin1'))),
  ];
  for (const old of payloads) {
    expect(await client.restore('key', 0, Buffer.from(old, 'latin1'), 'REPLACE')).toBe('OK');
    const theirs = (await client.dumpBuffer('key')).toString('latin1');
    expect(plain(rdbCodec.deserializeValue(old)!)).toEqual(plain(rdbCodec.deserializeValue(theirs)!));
  }
});

test('a stream of a real server with groups and deletions reads back, and ours goes back equal', async () => {
  const { client, file } = await startRedis();
  for (let i = 1; i <= 250; i++)
    await client.xadd('stream', `5-${i}`, 'field', String(i), ...(i % 4 ? [] : ['x', 'y']));
  await client.xadd('stream', '18446744073709551615-18446744073709551614', 'far', 'away');
  await client.xgroup('CREATE', 'stream', 'group', '5-3');
  await client.xreadgroup('GROUP', 'group', 'reader', 'COUNT', '150', 'STREAMS', 'stream', '>');
  await client.xdel('stream', '5-7', '5-1', '5-120');
  await client.xack('stream', 'group', '5-9');
  await client.call('SAVE');
  const { node } = await loaded(await readFile(file));
  const second = await startRedis(await rdbOf(node));
  for (const command of ['XINFO STREAM stream FULL COUNT 0', 'XPENDING stream group', 'XRANGE stream - +']) {
    const [name, ...args] = command.split(' ') as [string, ...string[]];
    expect(await second.client.call(name, ...args)).toEqual(await client.call(name, ...args));
  }
});

test('function libraries go both ways in RDB files', async () => {
  const code = (name: string, more = ''): string =>
    `#!lua name=${name}\nredis.register_function('${name}_f', function(keys, args) return args[1] .. '${more}' end)`;
  const node = nodeOf([{ db: 0, key: 'k', value: 'v', expireAtMs: undefined }]);
  // The second is long enough to be compressed by the real server.
  node.libraries = new Map([
    ['short', code('short')],
    ['long', code('long', 'x'.repeat(3000))],
  ]);
  const { client, file } = await startRedis(await rdbOf(node));
  const check = await promisify(execFile)(binaries.checkRdb, [file], { env: binaries.env });
  expect(check.stdout).toContain('RDB looks OK');
  expect(await client.call('FCALL', 'short_f', '0', 'a')).toBe('a');
  await client.call('FUNCTION', 'LOAD', code('theirs'));
  await client.call('SAVE');
  const back = await loaded(await readFile(file));
  expect(back.node.libraries).toEqual(new Map([...node.libraries, ['theirs', code('theirs')]]));
});
