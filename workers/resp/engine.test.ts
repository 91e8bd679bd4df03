import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openWire } from './conformance/wire.ts';
import { createEngine } from './engine.ts';
import type { Effect, NodeJournal } from './keyspace/journal.ts';
import { Node } from './keyspace/node.ts';

let nodes: Record<string, Node> = {};
const engine = createEngine({
  authenticate: async ({ username, password }) => {
    await Promise.resolve();
    if (password === 'platform') return { node: nodes['a']!, privileged: true };
    const node = nodes[username ?? ''];
    return node !== undefined && password === `${username}-secret` ? { node } : {};
  },
  extraCommands: [{ name: 'platform.keys', arity: 1, handler: async (node) => Promise.resolve(node.database(0).size) }],
});
let port = 0;

beforeAll(async () => {
  port = await engine.listen({ port: 0 });
});
afterAll(() => engine.close());
beforeEach(() => {
  nodes = { a: new Node({ id: 'a' }), b: new Node({ id: 'b' }) };
});

const connectTo = (name: string): Redis =>
  new Redis(port, { username: name, password: `${name}-secret`, retryStrategy: null });

/** What a connection answers to raw bytes before it closes, or within a moment. */
function raw(text: string, waitMs = 100): Promise<{ reply: string; closed: boolean }> {
  return new Promise((resolve) => {
    let reply = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    const timer = setTimeout(() => {
      socket.destroy();
      resolve({ reply, closed: false });
    }, waitMs);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => (reply += String(chunk)));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ reply, closed: true });
    });
  });
}

describe('nodes on one port', () => {
  test('are isolated: keys, channels, clients and scans', async () => {
    const a = connectTo('a');
    const b = connectTo('b');
    await a.set('k', 'of a');
    expect(await b.get('k')).toBeNull();
    await b.subscribe('ch');
    expect(await a.publish('ch', 'hi')).toBe(0);
    expect(
      String(await a.client('LIST'))
        .trim()
        .split('\n').length,
    ).toBe(1);
    expect(await a.keys('*')).toEqual(['k']);
    a.disconnect();
    b.disconnect();
  });

  test('a password is never journaled, not even when it opens a node that was written to', async () => {
    const journal = { ...memoryJournal(), holdsReplies: false, isDurable: false };
    const node = new Node({ id: 'journaled', journal });
    const immediate = createEngine({ authenticate: () => ({ node }) });
    const at = await immediate.listen({ port: 0 });
    const wire = await openWire(at);
    await wire.batch([['AUTH', 'secret'], ['SET', 'k', 'v'], ['AUTH', 'secret'], ['HELLO', '3', 'AUTH', 'x', 'secret']]); // prettier-ignore
    const other = await openWire(at);
    await other.batch([
      ['AUTH', 'secret'],
      ['HELLO', '2', 'AUTH', 'x', 'secret'],
    ]);
    expect(journal.blocks).toEqual([[{ db: 0, args: ['SET', 'k', 'v'] }]]);
    wire.close();
    other.close();
    await immediate.close();
  });

  test('AUTH again moves a connection, and a wrong password leaves it where it is', async () => {
    const wire = await openWire(port);
    const replies = await wire.batch([
      ['AUTH', 'a', 'a-secret'],
      ['SET', 'k', '1'],
      ['AUTH', 'b', 'nonsense'],
      ['GET', 'k'],
      ['AUTH', 'b', 'b-secret'],
      ['GET', 'k'],
    ]);
    expect(replies).toEqual([
      '+OK\r\n',
      '+OK\r\n',
      '-WRONGPASS invalid username-password pair or user is disabled.\r\n',
      '$1\r\n1\r\n',
      '+OK\r\n',
      '$-1\r\n',
    ]);
    wire.close();
  });

  test('a privileged connection has the commands of the host, others do not', async () => {
    const wire = await openWire(port);
    expect(await wire.batch([['AUTH', 'platform'], ['SET', 'k', '1'], ['PLATFORM.KEYS']])).toEqual([
      '+OK\r\n',
      '+OK\r\n',
      ':1\r\n',
    ]);
    expect((await wire.batch([['AUTH', 'a', 'a-secret'], ['PLATFORM.KEYS']]))[1]).toMatch(
      /^-ERR unknown command 'PLATFORM.KEYS'/,
    );
    wire.close();
  });

  test('closing a node closes its connections and no others', async () => {
    const a = connectTo('a');
    const b = connectTo('b');
    await Promise.all([a.ping(), b.ping()]);
    const ended = new Promise((resolve) => a.once('end', resolve));
    a.on('error', () => undefined);
    engine.closeNode(nodes['a']!);
    await ended;
    expect(await b.ping()).toBe('PONG');
    b.disconnect();
  });

  test('node-redis connects, pipelines and subscribes', async () => {
    const client = await createClient({ url: `redis://a:a-secret@127.0.0.1:${port}` }).connect();
    expect(await client.multi().set('n', '1').incr('n').get('n').exec()).toEqual(['OK', 2, '2']);
    expect(await client.hSet('h', { f: 'v', g: 'w' })).toBe(2);
    expect({ ...(await client.hGetAll('h')) }).toEqual({ f: 'v', g: 'w' });
    await client.close();
  });
});

describe('a connection that misbehaves', () => {
  test('is told NOAUTH before it has authenticated', async () => {
    expect((await raw('GET k\r\n')).reply).toBe('-NOAUTH Authentication required.\r\n');
    expect((await raw('*1\r\n$16385\r\n')).reply).toBe('-ERR Protocol error: unauthenticated bulk length\r\n');
  });
  test.each([
    ['POST / HTTP/1.1\r\nHost: x\r\n\r\n', ''],
    ['Host: x\r\nSET a b\r\n', ''],
    ['*1\r\n+PING\r\nPING\r\n', "-ERR Protocol error: expected '$', got '+'\r\n"],
    ['*x\r\n', '-ERR Protocol error: invalid multibulk length\r\n'],
    ['QUIT\r\nPING\r\n', '+OK\r\n'],
  ])('%j closes it', async (text, reply) => {
    expect(await raw(text)).toEqual({ reply, closed: true });
  });
});

describe('blocking commands', () => {
  test('wait for an element, in the order they came, and give up in time', async () => {
    const [first, second, pusher] = [connectTo('a'), connectTo('a'), connectTo('a')];
    await Promise.all([first.ping(), second.ping(), pusher.ping()]);
    const one = first.blpop('l', 5);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const two = second.blmove('l', 'other', 'LEFT', 'RIGHT', 5);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await pusher.rpush('l', 'x', 'y');
    expect([await one, await two]).toEqual([['l', 'x'], 'y']);
    expect(await pusher.lrange('other', 0, -1)).toEqual(['y']);
    expect(await first.call('BZPOPMIN', 'none', '0.02')).toBeNull();
    for (const client of [first, second, pusher]) client.disconnect();
  });
});

test('WATCH notices changes by others', async () => {
  const [mine, other] = [connectTo('a'), connectTo('a')];
  await mine.set('k', '1');
  await mine.watch('k');
  await other.incr('k');
  expect(await mine.multi().set('k', '9').exec()).toBeNull();
  expect(await mine.get('k')).toBe('2');
  mine.disconnect();
  other.disconnect();
});

/** A journal that keeps what it is given and becomes durable when told. */
function memoryJournal(): NodeJournal & { blocks: (readonly Effect[])[]; settle: (durable: boolean) => void } {
  const callbacks: ((durable: boolean) => void)[] = [];
  const journal = {
    blocks: [] as (readonly Effect[])[],
    records: true,
    holdsReplies: false,
    isDurable: false,
    failure: undefined as string | undefined,
    append(db: number, args: readonly string[]) {
      journal.appendBlock([{ db, args }]);
    },
    appendBlock(effects: readonly Effect[]) {
      journal.blocks.push(effects);
      journal.holdsReplies = true;
    },
    whenKept(callback: (kept: boolean) => void) {
      callbacks.push(callback);
    },
    whenDurable(callback: (durable: boolean) => void) {
      callbacks.push(callback);
    },
    settle(durable: boolean) {
      journal.holdsReplies = false;
      for (const callback of callbacks.splice(0)) callback(durable);
    },
  };
  return journal;
}

describe('the journal', () => {
  test('gets deterministic effects, and a replay of them gives the same data', async () => {
    const journal = memoryJournal();
    const source = new Node({ id: 'source', journal });
    const run = async (line: string): Promise<void> =>
      void (await Promise.race([engine.execute(source, line.split(' ')), Promise.resolve(journal.settle(true))]));
    const script =
      'SET a 1 EX 100|INCRBYFLOAT a 0.5|SADD s x y z|SPOP s|EXPIRE s 100|GETDEL a|RPUSH l 1 2 3|LMOVE l m LEFT RIGHT|HINCRBYFLOAT h f 0.1|ZADD z 1 a 2 b|ZPOPMIN z|GET nothing';
    for (const line of script.split('|')) await run(line);
    const names = journal.blocks.flat().map(({ args }) => args.filter((arg) => !/^\d{13}$/.test(arg)).join(' '));
    expect(names[0]).toBe('SET a 1 PXAT');
    expect(names[1]).toBe('SET a 1.5 KEEPTTL');
    expect(names[3]).toMatch(/^SREM s [xyz]$/);
    expect(names[4]).toBe('PEXPIREAT s');
    expect(names.slice(5)).toEqual([
      'DEL a',
      'RPUSH l 1 2 3',
      'LMOVE l m LEFT RIGHT',
      'HSET h f 0.1',
      'ZADD z 1 a 2 b',
      'ZPOPMIN z',
    ]);
    const copy = new Node({ id: 'copy' });
    for (const { db, args } of journal.blocks.flat()) engine.applyJournaled(copy, db, args);
    expect(await engine.execute(copy, ['SMEMBERS', 's'])).toEqual(await engine.execute(source, ['SMEMBERS', 's']));
    expect(copy.usedBytes).toBe(source.usedBytes);
  });

  test('holds the replies of a node until what they tell of is durable, and MULTI is one block', async () => {
    const journal = memoryJournal();
    nodes['a']!.journal = journal;
    const client = connectTo('a');
    await client.ping();
    const reply = client.multi().set('k', '1').incr('k').exec();
    const raced = await Promise.race([reply, new Promise((resolve) => setTimeout(() => resolve('held'), 50))]);
    expect(raced).toBe('held');
    expect(journal.blocks).toEqual([
      [
        { db: 0, args: ['set', 'k', '1'] },
        { db: 0, args: ['incr', 'k'] },
      ],
    ]);
    journal.settle(true);
    expect(await reply).toEqual([
      [null, 'OK'],
      [null, 2],
    ]);
    client.disconnect();
  });

  test('that can no longer be written refuses writes and lets reads pass', async () => {
    nodes['a']!.journal = { ...memoryJournal(), failure: 'No space left on device' };
    const client = connectTo('a');
    await expect(client.set('k', '1')).rejects.toThrow(
      'MISCONF Errors writing to the AOF file: No space left on device',
    );
    expect(await client.get('k')).toBeNull();
    client.disconnect();
  });
});

test('a snapshot shows one instant while everything changes', async () => {
  const node = new Node({ id: 's' });
  for (let i = 0; i < 3000; i++) await engine.execute(node, ['SET', `k${i}`, 'before']);
  await engine.execute(node, ['RPUSH', 'list', '1', '2']);
  const seen = new Map<string, string>();
  const snapshot = engine.beginSnapshot(node, (_db, key, value) => {
    expect(seen.has(key)).toBe(false);
    const elements: string[] = [];
    if (typeof value !== 'string' && value.kind === 'list') value.forEach((element) => elements.push(element));
    seen.set(key, typeof value === 'string' ? value : elements.join(','));
  });
  for (let i = 0; ; i++) {
    await engine.execute(node, ['SET', `k${(i * 7) % 3000}`, 'after']);
    await engine.execute(node, ['SET', `new${i}`, 'after']);
    await engine.execute(node, ['DEL', `k${(i * 11) % 3000}`]);
    await engine.execute(node, ['RPUSH', 'list', '3']);
    if (i === 20) await engine.execute(node, ['FLUSHALL']);
    if (snapshot.step()) break;
  }
  expect(seen.size).toBe(3001);
  expect(seen.get('list')).toBe('1,2');
  seen.delete('list');
  expect(new Set(seen.values())).toEqual(new Set(['before']));
});

describe('the memory limit', () => {
  test('refuses writes without eviction, with Redis’s words', async () => {
    const node = new Node({ id: 'm', maxMemory: 20_000 });
    for (let i = 0; i < 300; i++) await engine.execute(node, ['SET', `k${i}`, 'x'.repeat(100)]);
    expect(await engine.execute(node, ['SET', 'k', 'v'])).toEqual({
      error: "OOM command not allowed when used memory > 'maxmemory'.",
    });
    expect(await engine.execute(node, ['DEL', 'k0'])).toBe(1);
  });

  test('evicts what was not used lately', async () => {
    const node = new Node({ id: 'm', maxMemory: 40_000, evictionPolicy: 'allkeys-lru' });
    for (let i = 0; i < 1000; i++) {
      await engine.execute(node, ['SET', `k${i}`, 'x'.repeat(50)]);
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      await engine.execute(node, ['GET', 'k0']);
    }
    expect(node.usedBytes).toBeLessThan(41_000);
    expect(node.evictedKeys).toBeGreaterThan(500);
    expect(await engine.execute(node, ['EXISTS', 'k0'])).toBe(1);
  });

  test('is kept by the estimate, whatever is done', async () => {
    const node = new Node({ id: 'm' });
    for (const line of 'HSET h a 1 b 2|RPUSH l 1 2 3|SADD s a b|ZADD z 1 a 2 b|SET k v|APPEND k tail|SETRANGE k 9 x|EXPIRE k 100|RENAME h g|COPY z y|HDEL g a|LPOP l|SREM s a|ZREM z a'.split(
      '|',
    )) {
      await engine.execute(node, line.split(' '));
    }
    expect(node.usedBytes).toBeGreaterThan(500);
    await engine.execute(node, ['DEL', 'g', 'l', 's', 'z', 'k', 'y']);
    expect(node.usedBytes).toBe(0);
  });
});

test('expired keys go by themselves', async () => {
  const node = new Node({ id: 'e' });
  for (let i = 0; i < 500; i++) await engine.execute(node, ['SET', `k${i}`, 'v', 'PX', '20']);
  await engine.execute(node, ['SET', 'stays', 'v']);
  // Nobody asks for them, so that only active expiry can remove them.
  await vi.waitFor(() => expect(node.database(0).size).toBe(1), 10_000);
  expect(node.expiredKeys).toBe(500);
});

test('who guesses waits longer and longer, and who knows the password does not', async () => {
  const guarded = createEngine({ defaultNode: new Node({ id: 'guarded' }), requirePass: 'right' });
  const wire = await openWire(await guarded.listen({ port: 0 }));
  const beganAt = performance.now();
  const replies = await wire.batch(Array.from({ length: 13 }, () => ['AUTH', 'x']));
  expect(replies.every((reply) => reply.startsWith('-WRONGPASS'))).toBe(true);
  expect(performance.now() - beganAt).toBeGreaterThan(20 + 40 + 80 - 5);
  expect(await wire.batch([['AUTH', 'right'], ['PING']])).toEqual(['+OK\r\n', '+PONG\r\n']); // prettier-ignore
  wire.close();
  await guarded.close();
});
