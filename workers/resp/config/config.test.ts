import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { redisBinaries } from '#test/tools/redis-binaries.ts';
import { startReference } from '../conformance/reference.ts';
import type { ReferenceServer } from '../conformance/reference.ts';
import { openWire } from '../conformance/wire.ts';
import { createEngine } from '../engine.ts';
import type { Engine, EngineOptions } from '../engine-api.ts';
import { Node } from '../keyspace/node.ts';
import { readReply } from '../protocol/reply-value.ts';
import { readSettings } from './command-line.ts';

let reference: ReferenceServer;
let folder = '';

beforeAll(async () => {
  const { server, env } = await redisBinaries();
  reference = await startReference(server, env);
}, 120_000);
afterAll(() => reference.stop());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'resp-config-'));
  return () => rm(folder, { recursive: true });
});

type Ask = (line: string) => Promise<string>;

async function connect(port: number): Promise<Ask> {
  const wire = await openWire(port);
  onTestFinished(() => wire.close());
  return async (line) => (await wire.batch([line.split(' ').map((word) => (word === "''" ? '' : word))]))[0]!.trimEnd();
}

async function start(options: EngineOptions = {}): Promise<{ engine: Engine; ask: Ask; port: number }> {
  const engine = createEngine({ defaultNode: new Node({ id: 'config' }), ...options });
  onTestFinished(() => engine.close());
  const port = await engine.listen({ port: 0 });
  return { engine, ask: await connect(port), port };
}

const pairs = (reply: string): Map<string, string> => {
  const words = readReply(`${reply}\r\n`) as readonly string[];
  return new Map(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]!]] : [])));
};

test('every parameter of a real redis-server is known, and may be set to what it is', async () => {
  const { ask, port } = await start();
  const theirs = pairs(await (await connect(reference.port))('CONFIG GET *'));
  const ours = pairs(await ask('CONFIG GET *'));
  // 7.2 hides the one, and the others belong to TLS.
  const elsewhere = /^(?:aof-disable-auto-gc$|tls-)/;
  expect([...theirs.keys()].filter((name) => !ours.has(name) && !elsewhere.test(name))).toEqual([]);
  for (const [name, value] of ours) {
    // As words, since a value may hold blanks.
    const wire = await openWire(port);
    const [reply] = await wire.batch([['CONFIG', 'SET', name, value]]);
    wire.close();
    expect(reply, name).toMatch(/^\+OK|can't set immutable config/);
  }
  expect(pairs(await ask('CONFIG GET *'))).toEqual(ours);
});

test('what is wrong with a value is said as a real redis-server says it', async () => {
  const { ask } = await start();
  const real = await connect(reference.port);
  for (const line of [
    'CONFIG SET maxmemory nonsense',
    'CONFIG SET maxmemory-policy sometimes',
    'CONFIG SET maxmemory-samples 0',
    'CONFIG SET slowlog-max-len x',
    'CONFIG SET appendonly maybe',
    'CONFIG SET databases 3',
    'CONFIG SET nosuch 1',
    'CONFIG SET maxmemory 1 nosuch 1',
    'CONFIG SET maxmemory 1 maxmemory 2',
    'CONFIG SET maxmemory 1mb maxmemory-clients 200%',
    'CONFIG SET maxmemory-clients x',
    'CONFIG SET notify-keyspace-events q',
    'CONFIG SET client-output-buffer-limit normal',
    'CONFIG SET save 1',
    'CONFIG SET shutdown-on-sigterm never',
    'CONFIG SET latency-tracking-info-percentiles 101',
    'CONFIG SET proto-max-bulk-len 1',
    'CONFIG SET maxmemory',
    'CONFIG SET a b c',
    'CONFIG GET MAXMEMORY-POLICY nosuch',
    'CONFIG GET slave-read-only',
    'CONFIG RESETSTAT',
    'CONFIG REWRITE',
  ]) {
    expect(await ask(line), line).toBe(await real(line));
  }
});

describe('CONFIG SET', () => {
  test('changes where the server listens, and nothing when that fails', async () => {
    const { ask, port } = await start();
    await ask('CONFIG SET maxmemory 1mb');
    const taken = await ask(`CONFIG SET maxmemory 2mb port ${reference.port}`);
    expect(taken).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.",
    );
    expect(pairs(await ask('CONFIG GET maxmemory')).get('maxmemory')).toBe('1048576');
    expect(pairs(await ask('CONFIG GET port')).get('port')).toBe(String(port));
  });

  test('asks new connections for a password', async () => {
    const { ask, port } = await start();
    expect(await ask('CONFIG SET requirepass secret')).toBe('+OK');
    const stranger = await connect(port);
    expect(await stranger('PING')).toBe('-NOAUTH Authentication required.');
    expect(await stranger('AUTH secret')).toBe('+OK');
    expect(await ask('PING')).toBe('+PONG');
    expect(await stranger("CONFIG SET requirepass ''")).toBe('+OK');
    expect(await (await connect(port))('PING')).toBe('+PONG');
  });

  test('leaves to tenants what is about their node alone', async () => {
    const node = new Node({ id: 'tenant' });
    const { ask } = await start({ authenticate: () => ({ node }) });
    await ask('AUTH x');
    expect(await ask('CONFIG SET maxmemory-policy allkeys-lru slowlog-max-len 3')).toBe('+OK');
    for (const name of ['maxmemory', 'port', 'requirepass', 'maxclients', 'dir', 'client-output-buffer-limit']) {
      expect(await ask(`CONFIG SET ${name} 1`), name).toContain("can't set protected config");
    }
  });
});

describe('the configuration file', () => {
  test('is read with the command line after it, and what makes no sense is named', async () => {
    const file = join(folder, 'redis.conf');
    await writeFile(file, '# Of ours.\nsave 900 1\nsave 10 2\nrequirepass "a \\x41 b"\nuser bob on >x ~a* +get\n');
    const { values, users } = readSettings([file, '--maxmemory', '1mb', '--maxmemory-policy allkeys-lru']);
    expect(Object.fromEntries(values)).toEqual({
      save: '900 1 10 2',
      requirepass: 'a A b',
      maxmemory: '1048576',
      'maxmemory-policy': 'allkeys-lru',
    });
    expect(users).toEqual(['bob on >x ~a* +get']);
    expect(() => readSettings(['--nosuch', '1'])).toThrow('Bad directive or wrong number of arguments');
    expect(() => readSettings(['--port'])).toThrow('wrong number of arguments');
    expect(() => readSettings(['--port', '1', '2'])).toThrow(`'port "1" "2"': wrong number of arguments`);
    expect(() => readSettings(['--loglevel', '--bla'])).toThrow('must be one of the following');
  });

  test('is rewritten with what parameters are now, and its remarks stay', async () => {
    const file = join(folder, 'redis.conf');
    await writeFile(file, '# Of ours.\nmaxmemory 1mb\n');
    const { values } = readSettings([file]);
    const { ask, engine } = await start({ settings: values, configFile: file, aclUsers: ['bob on ~a* +get'] });
    engine.loadUsers();
    await ask('CONFIG SET maxmemory 2mb maxmemory-policy allkeys-lfu requirepass a"b');
    expect(await ask('CONFIG REWRITE')).toBe('+OK');
    const text = await readFile(file, 'latin1');
    expect(text.startsWith('# Of ours.\nmaxmemory 2097152\n')).toBe(true);
    const again = readSettings([file]);
    expect(again.values.get('requirepass')).toBe('a"b');
    expect(again.values.get('maxmemory-policy')).toBe('allkeys-lfu');
    expect(again.users).toContain('bob on sanitize-payload ~a* resetchannels -@all +get');
  });
});

test('the ACL file is loaded as a whole or not at all, and written by ACL SAVE', async () => {
  const file = join(folder, 'users.acl');
  await writeFile(file, 'user alice on >alice ~* +@all\n\nuser default on nopass ~* &* +@all\n');
  const { ask, engine, port } = await start({ settings: new Map([['aclfile', file]]) });
  engine.loadUsers();
  const alice = await connect(port);
  expect(await alice('AUTH alice alice')).toBe('+OK');
  await ask('ACL SETUSER eve on nopass +get ~k');
  expect(await ask('ACL SAVE')).toBe('+OK');
  expect(await readFile(file, 'latin1')).toContain('user eve on nopass sanitize-payload ~k resetchannels -@all +get\n');
  await writeFile(file, 'user alice on\nuser alice off\nuser x +nosuch\n');
  const refused = await ask('ACL LOAD');
  expect(refused).toContain("WARNING: Duplicate user 'alice' found on line 2. ");
  expect(refused).toContain(":3: Error in applying operation '+nosuch': Unknown command or category name in ACL. ");
  expect(await ask('ACL USERS')).toContain('eve');
  await writeFile(file, 'user bob on nopass ~* +@all\n');
  expect(await ask('ACL LOAD')).toBe('+OK');
  await expect(alice('PING')).rejects.toThrow('closed');
  expect(await ask('ACL USERS')).not.toContain('eve');
});
