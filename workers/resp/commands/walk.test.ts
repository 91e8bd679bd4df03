import { afterAll, beforeAll, expect, test } from 'vitest';

import { redisBinaries } from '#test/tools/redis-binaries.ts';

import { startReference } from '../conformance/reference.ts';
import { openWire } from '../conformance/wire.ts';
import type { Wire } from '../conformance/wire.ts';
import { createEngine } from '../engine.ts';
import type { Engine } from '../engine-api.ts';
import { Node } from '../keyspace/node.ts';
import { sortInSteps } from './walk.ts';

let engine: Engine;
let port: number;
let reference: Awaited<ReturnType<typeof startReference>>;
const wires: Wire[] = [];

const many = 20_000;
const fill: string[][] = [];
for (let i = 0; i < many; i += 100) {
  const some = Array.from({ length: 100 }, (_, k) => i + k);
  fill.push(['RPUSH', 'list', ...some.map((n) => String((n * 7919) % many))]);
  fill.push(['SADD', 'set', ...some.map((n) => `member ${n}`)]);
  fill.push(['SADD', 'half', ...some.map((n) => `member ${n * 2}`)]);
  fill.push(['HSET', 'hash', ...some.flatMap((n) => [`field ${n}`, `${n}`])]);
  fill.push(['ZADD', 'zset', ...some.flatMap((n) => [String(n % 1000), `member ${n}`])]);
  fill.push(['MSET', ...some.flatMap((n) => [`weight:${n}`, `${many - n}`])]);
}

beforeAll(async () => {
  engine = createEngine({ defaultNode: new Node({ id: 'walks' }) });
  port = await engine.listen({ port: 0 });
  const { server, env } = await redisBinaries();
  reference = await startReference(server, env, ['--enable-debug-command', 'yes']);
});

afterAll(async () => {
  for (const wire of wires) wire.close();
  await engine.close();
  await reference.stop();
});

async function open(at = port): Promise<Wire> {
  const wire = await openWire(at);
  wires.push(wire);
  return wire;
}

/** Replies whose order is nobody's business, with their lines in order. */
const unordered = (reply: string): string => reply.split('\r\n').toSorted().join();

test('what is walked in steps is the same as what a real server gives at once', async () => {
  const both = await Promise.all([open(), open(reference.port)]);
  for (const wire of both) await wire.batch(fill);
  const ask = async (...requests: string[][]): Promise<[string[], string[]]> => {
    const [ours, theirs] = await Promise.all(both.map((wire) => wire.batch(requests)));
    return [ours ?? [], theirs ?? []];
  };
  const [ours, theirs] = await ask(
    ['LRANGE', 'list', '3', '-2'],
    ['ZRANGE', 'zset', '0', '-1', 'WITHSCORES'],
    ['ZREVRANGE', 'zset', '5', '19000'],
    ['ZRANGE', 'zset', '(10', '900', 'BYSCORE', 'LIMIT', '300', '7000'],
    ['ZRANGESTORE', 'part', 'zset', '0', '4000', 'REV'],
    ['SORT', 'list', 'DESC', 'LIMIT', '10', '9000'],
    ['SORT', 'list', 'BY', 'weight:*', 'GET', '#', 'GET', 'weight:*'],
    ['SORT', 'set', 'ALPHA', 'STORE', 'sorted'],
    ['LRANGE', 'sorted', '0', '-1'],
    ['SUNIONSTORE', 'union', 'set', 'half'],
    ['SINTERCARD', '2', 'set', 'half', 'LIMIT', '5000'],
    ['SDIFFSTORE', 'diff', 'set', 'half'],
    ['ZUNIONSTORE', 'zunion', '2', 'zset', 'half', 'WEIGHTS', '2', '3'],
    ['ZRANGE', 'zunion', '0', '-1', 'WITHSCORES'],
    ['ZINTER', '2', 'zset', 'half', 'AGGREGATE', 'MAX', 'WITHSCORES'],
    ['ZDIFF', '2', 'zset', 'half'],
    ['MULTI'],
    ['LRANGE', 'list', '0', '-1'],
    ['SUNIONSTORE', 'again', 'half', 'set'],
    ['SCARD', 'again'],
    ['EXEC'],
    ['EVAL', "return #redis.call('LRANGE', 'list', 0, -1)", '0'],
  );
  for (const [i, reply] of theirs.entries()) expect(ours[i]?.length, String(i)).toBe(reply.length);
  expect(ours).toEqual(theirs);
  const [mine, yours] = await ask(
    ['SMEMBERS', 'set'],
    ['HGETALL', 'hash'],
    ['HVALS', 'hash'],
    ['SINTER', 'set', 'half'],
    ['SMEMBERS', 'diff'],
    ['KEYS', 'weight:1*'],
  );
  expect(mine.map(unordered)).toEqual(yours.map(unordered));
});

test('while a node walks, its own clients wait for their turn in order, and see nothing of it half done', async () => {
  const [walker, other] = await Promise.all([open(), open()]);
  await walker.batch([['FLUSHALL'], ...fill]);
  const state = { walks: true };
  const walking = walker.batch([
    ['ZUNIONSTORE', 'out', '2', 'zset', 'half'],
    ['SORT', 'set', 'ALPHA', 'STORE', 'out2'],
  ]);
  void walking.then(() => (state.walks = false));
  const sizes = new Set<string>();
  while (state.walks) for (const reply of await other.batch([['ZCARD', 'out'], ['LLEN', 'out2']])) sizes.add(reply); // prettier-ignore
  const [union] = await walking;
  expect(sizes.size).toBeLessThanOrEqual(3);
  for (const size of sizes) expect([':0\r\n', union, `:${many}\r\n`]).toContain(size);
});

test('requests of thousands of arguments, and walks along values, are as a real server has them', async () => {
  const both = await Promise.all([open(), open(reference.port)]);
  const numbers = Array.from({ length: 2001 }, (_, n) => n);
  const some = (word: string): string[] => numbers.map((n) => `${word} ${n % 1500}`);
  const pairs = (word: string): string[] => numbers.flatMap((n) => [`${word} ${n % 1500}`, String(n)]);
  const scored = numbers.flatMap((n) => [String((n * 31) % 700), `member ${n % 1500}`]);
  const text = numbers.map((n) => String.fromCharCode((n * n) % 256)).join('');
  const requests = [
    ['FLUSHALL'],
    ['MSET', ...pairs('key')],
    ['MSETNX', ...pairs('key')],
    ['MSETNX', ...pairs('new')],
    ['MGET', ...some('key'), 'none'],
    ['EXISTS', ...some('key'), 'none'],
    ['TOUCH', ...some('new')],
    ['WATCH', ...some('key')],
    ['UNLINK', ...some('new')],
    ['DEL', ...some('key').slice(700)],
    ['DBSIZE'],
    ['SADD', 's', ...some('member')],
    ['SMISMEMBER', 's', ...some('member'), 'none'],
    ['SREM', 's', ...some('member').slice(300)],
    ['SCARD', 's'],
    ['HSET', 'h', ...pairs('field')],
    ['HMGET', 'h', ...some('field'), 'none'],
    ['COPY', 'h', 'h2'],
    ['HLEN', 'h2'],
    ['HDEL', 'h', ...some('field').slice(300)],
    ['RPUSH', 'l', ...some('element')],
    ['LPUSH', 'l', ...some('other')],
    ['LPOS', 'l', 'element 7', 'COUNT', '0'],
    ['LPOS', 'l', 'element 7', 'RANK', '-1', 'MAXLEN', '1000'],
    ['LPOS', 'l', 'element 7', 'RANK', '-2'],
    ['LREM', 'l', '-1', 'element 7'],
    ['LREM', 'l', '0', 'other 8'],
    ['LINSERT', 'l', 'BEFORE', 'element 400', 'x'],
    ['LINSERT', 'l', 'AFTER', 'nothing', 'x'],
    ['COPY', 'l', 'l2'],
    ['LPOP', 'l', '1700'],
    ['RPOP', 'l', '700'],
    ['LRANGE', 'l', '0', '-1'],
    ['LRANGE', 'l2', '0', '-1'],
    ['ZADD', 'z', ...scored],
    ['ZADD', 'z', 'XX', 'CH', 'GT', ...scored.toReversed().map((word) => (word.startsWith('m') ? '5' : 'member 3'))],
    ['ZADD', 'z', '1', 'a', 'x', 'b', ...scored],
    ['ZMSCORE', 'z', ...some('member'), 'none'],
    ['COPY', 'z', 'z2'],
    ['ZPOPMIN', 'z', '400'],
    ['ZPOPMAX', 'z', '400'],
    ['ZREMRANGEBYRANK', 'z', '10', '350'],
    ['ZREM', 'z2', ...some('member').slice(20, 900)],
    ['ZRANGE', 'z', '0', '-1', 'WITHSCORES'],
    ['ZRANGE', 'z2', '0', '-1', 'WITHSCORES'],
    ['GEOADD', 'g', ...numbers.flatMap((n) => [String(n % 170), String(n % 80), `place ${n}`])],
    ['ZRANGE', 'g', '0', '-1', 'WITHSCORES'],
    ['PFADD', 'p', ...some('member')],
    ['PFCOUNT', ...some('p').map(() => 'p')],
    ...numbers.slice(0, 600).map((n) => ['XADD', 'x', `${n + 1}-1`, 'field', String(n)]),
    ['XRANGE', 'x', '-', '+'],
    ['XRANGE', 'x', '5', '590', 'COUNT', '400'],
    ['XREVRANGE', 'x', '+', '-', 'COUNT', '512'],
    ['XREVRANGE', 'x', '590', '(7-1'],
    ['SET', 'a', text],
    ['SET', 'b', text.slice(100, 1700).repeat(40)],
    ['LCS', 'a', 'b', 'LEN'],
    ['LCS', 'b', 'a', 'IDX', 'MINMATCHLEN', '3'],
    ['LCS', 'a', 'b'],
    ...['AND', 'OR', 'XOR'].flatMap((how) => [
      ['BITOP', how, 'bits', 'a', 'b', 'none', 'a'],
      ['GET', 'bits'],
    ]),
    ['BITOP', 'NOT', 'bits', 'b'],
    ['BITCOUNT', 'bits'],
    ['BITCOUNT', 'bits', '3', '-5', 'BIT'],
    ['BITCOUNT', 'bits', '11', '300007', 'BIT'],
    ['SETRANGE', 'far', '100000', 'x'],
    ['APPEND', 'far', 'y'],
    ['SETBIT', 'far', '7', '1'],
    ['SETRANGE', 'far', '300000', 'z'],
    ['GET', 'far'],
    ['MULTI'],
    ...numbers.slice(0, 300).map((n) => ['INCRBY', 'counter', String(n)]),
    ['EXEC'],
    ['MULTI'],
    ...numbers.slice(0, 300).map((n) => ['INCRBY', 'counter', String(n)]),
    ['SADD', 'in', ...some('member')],
    ['EVAL', "return redis.call('SMISMEMBER', KEYS[1], unpack(ARGV))", '1', 'in', ...some('member').slice(0, 1000)],
    ['EXEC'],
    ['GET', 'counter'],
  ];
  const [ours, theirs] = await Promise.all(both.map((wire) => wire.batch(requests)));
  for (const [i, reply] of theirs!.entries()) expect(ours![i], requests[i]!.slice(0, 4).join(' ')).toBe(reply);
});

test('streams are read, claimed and told of in steps as a real server does it at once', async () => {
  const both = await Promise.all([open(), open(reference.port)]);
  const ids = Array.from({ length: 1200 }, (_, n) => `${n + 1}-1`);
  const claim = (consumer: string, ...more: string[]): string[] => ['XCLAIM', 'x', 'g', consumer, '0', ...ids, ...more];
  const requests = [
    ['FLUSHALL'],
    ...ids.map((id) => ['XADD', 'x', id, 'field', id]),
    ['XGROUP', 'CREATE', 'x', 'g', '0'],
    ['XREAD', 'STREAMS', 'x', '5-1'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'COUNT', '700', 'STREAMS', 'x', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'b', 'STREAMS', 'x', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'b', 'STREAMS', 'x', '>'],
    ['XDEL', 'x', ...ids.slice(100, 500)],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS', 'x', '50-1'],
    ['XPENDING', 'x', 'g'],
    claim('c', 'JUSTID', 'TIME', '1000', 'RETRYCOUNT', '3'),
    claim('c', 'FORCE', 'TIME', '1000', 'LASTID', '1100'),
    ['XPENDING', 'x', 'g'],
    ['XAUTOCLAIM', 'x', 'g', 'd', '0', '0', 'COUNT', '600'],
    ['XAUTOCLAIM', 'x', 'g', 'd', '0', '600-1', 'COUNT', '10000', 'JUSTID'],
    ['XACK', 'x', 'g', ...ids.slice(0, 700)],
    ['XGROUP', 'DELCONSUMER', 'x', 'g', 'a'],
    ['COPY', 'x', 'y'],
    ['XPENDING', 'y', 'g'],
    ['XRANGE', 'y', '-', '+'],
    ['XGROUP', 'DELCONSUMER', 'y', 'g', 'd'],
    ['XPENDING', 'y', 'g'],
    ['XGROUP', 'DESTROY', 'x', 'g'],
    ['XINFO', 'STREAM', 'x', 'FULL', 'COUNT', '0'],
  ];
  const [ours, theirs] = await Promise.all(both.map((wire) => wire.batch(requests)));
  // Times of consumers, and what only an estimate can tell of the tree of a real server.
  const comparable = (reply: string): string => reply.replace(/radix-tree-\w+\r\n:\d+/g, '');
  for (const [i, reply] of theirs!.entries())
    expect(comparable(ours![i]!), requests[i]!.slice(0, 4).join(' ')).toBe(comparable(reply));
});

test('long texts are read and written in parts as a real server has them whole', async () => {
  const both = await Promise.all([open(), open(reference.port)]);
  const long = 'abcdefghijk'.repeat(300_000);
  const looked = (key: string): string[][] => [
    ['STRLEN', key],
    ['GETRANGE', key, '1048570', '1048580'],
    ['GETRANGE', key, '-7', '-1'],
    ['BITCOUNT', key, '1000', '-1000'],
    ['BITPOS', key, '0', '2000000'],
    ['BITFIELD_RO', key, 'GET', 'u13', '8388601', 'GET', 'i64', '26399990'],
    ['DEBUG', 'DIGEST-VALUE', key],
  ];
  const requests = [
    ['FLUSHALL'],
    ...['appended', 'ranged', 'bit', 'field', 'same'].map((key) => ['SET', key, long, 'EX', '1000']),
    ...looked('same'),
    ['WATCH', 'same'],
    ['SETBIT', 'same', '0', '0'],
    ['APPEND', 'appended', 'xyz'],
    ...looked('appended'),
    ['APPEND', 'appended', long],
    ['SETRANGE', 'ranged', '2000000', 'XYZ'],
    ...looked('ranged'),
    ['SETRANGE', 'ranged', '7000000', 'XYZ'],
    ['SETRANGE', 'ranged', '536870912', 'X'],
    ['SETBIT', 'bit', '16000001', '1'],
    ['BITFIELD', 'field', 'SET', 'u16', '#1000000', '777', 'INCRBY', 'i8', '#3500000', '-5'],
    ['BITOP', 'XOR', 'xor', 'ranged', 'same', 'none'],
    ['BITOP', 'NOT', 'not', 'same'],
    ...['appended', 'ranged', 'bit', 'field', 'xor', 'not', 'same'].flatMap(looked),
    ['GETRANGE', 'appended', '100', '5000000'],
    ['GET', 'ranged'],
    ['GET', 'not'],
    ['OBJECT', 'ENCODING', 'bit'],
    ['EVAL', "return #redis.call('GETRANGE', 'appended', 5, 4000000)", '0'],
    ['MULTI'],
    ['GETRANGE', 'xor', '0', '2000000'],
    ['EXEC'],
  ];
  const [ours, theirs] = await Promise.all(both.map((wire) => wire.batch(requests)));
  for (const [i, reply] of theirs!.entries())
    expect(ours![i] === reply, requests[i]!.join(' ').slice(0, 60)).toBe(true);
});

test('who has waited for a stream is served very much at once in steps, in turn and before all others', async () => {
  const entries = Array.from({ length: 3000 }, (_, n) => ['XADD', 'awaited', `${n + 1}-1`, 'field', String(n)]);
  const wide = ['XADD', 'awaited', '9000-*', ...Array.from({ length: 6000 }, (_, n) => `word ${n % 4000}`)];
  const play = async (at: number): Promise<string[][]> => {
    const [one, two, three, writer] = await Promise.all([open(at), open(at), open(at), open(at)]);
    await writer.batch([['FLUSHALL'], ['XGROUP', 'CREATE', 'awaited', 'g', '$', 'MKSTREAM']]);
    const waiting: Promise<string[]>[] = [];
    const waits = async (wire: Wire, request: string[]): Promise<void> => {
      const [id] = await wire.batch([['CLIENT', 'ID']]);
      waiting.push(wire.batch([request, ['XLEN', 'awaited'], ['XPENDING', 'awaited', 'g']]));
      const list = ['CLIENT', 'LIST', 'ID', id!.slice(1, -2)];
      await expect.poll(async () => (await writer.batch([list]))[0]).toMatch(/ flags=\w*b/);
    };
    // 7.0 gives who has waited no more than 1000, 7.2 as much as there is.
    await waits(one, ['XREAD', 'COUNT', '1000', 'BLOCK', '0', 'STREAMS', 'awaited', '$']);
    await waits(two, ['XREADGROUP', 'GROUP', 'g', 'a', 'COUNT', '900', 'BLOCK', '0', 'STREAMS', 'awaited', '>']);
    await waits(three, ['XREADGROUP', 'GROUP', 'g', 'b', 'COUNT', '1000', 'BLOCK', '0', 'STREAMS', 'awaited', '>']);
    const after = [
      ['XINFO', 'GROUPS', 'awaited'],
      ['XRANGE', 'awaited', '9000', '+'],
    ];
    const written = await writer.batch([['MULTI'], ...entries, wide, ['EXEC'], ...after]);
    return [...(await Promise.all(waiting)), written];
  };
  const [ours, theirs] = await Promise.all([play(port), play(reference.port)]);
  for (const [at, replies] of theirs.entries()) expect(ours[at], `connection ${at}`).toEqual(replies);
});

test('what scripts call goes in steps, and they get what a real server gives them', async () => {
  const both = await Promise.all([open(), open(reference.port)]);
  const script = (source: string, ...words: string[]): string[] => ['EVAL', source, String(words.length), ...words];
  const keys = Array.from({ length: 3000 }, (_, n) => `key ${n}`);
  const requests = [
    ['FLUSHALL'],
    ...fill,
    ['SET', 'long', 'xyz'.repeat(400_000)],
    script("return redis.call('LRANGE', 'list', 0, -1)"),
    script(
      "local a = redis.call('INCR', 'n') local b = redis.call('LRANGE', 'list', 0, -1) return a + redis.call('INCR', 'n') + #b",
    ),
    script(
      "redis.setresp(3) local r = redis.call('ZRANGE', 'zset', 0, -1, 'WITHSCORES') return { r[1][1], r[20000][2] }",
    ),
    script("redis.setresp(3) local n = 0 for k in pairs(redis.call('HGETALL', 'hash').map) do n = n + 1 end return n"),
    script("redis.setresp(3) local n = 0 for k in pairs(redis.call('SMEMBERS', 'set').set) do n = n + 1 end return n"),
    script("return #redis.call('SCAN', 0, 'COUNT', 100000)[2]"),
    script("return redis.call('SUNIONSTORE', 'union', 'set', 'half') + redis.call('SCARD', 'union')"),
    script("return redis.pcall('LRANGE', 'set', 0, -1).err"),
    script("return redis.call('LRANGE', 'set', 0, -1)"),
    script("local s = redis.call('GET', 'long') redis.call('SET', 'longer', s .. s) return #s"),
    script("return redis.call('STRLEN', 'longer')"),
    script('return { #KEYS, KEYS[1], KEYS[3000] }', ...keys),
    ['MULTI'],
    script("return redis.call('COPY', 'zset', 'zset2') + redis.call('INCR', 'n')"),
    ['INCR', 'n'],
    ['EXEC'],
    ['CLIENT', 'REPLY', 'SKIP'],
    ['LRANGE', 'list', '0', '-1'],
    ['CLIENT', 'REPLY', 'OFF'],
    ['SUNIONSTORE', 'union', 'half', 'set'],
    script("return redis.call('LRANGE', 'list', 0, -1)"),
    ['CLIENT', 'REPLY', 'ON'],
    ['SCARD', 'union'],
  ];
  const silent = new Set(
    requests.flatMap(([name, , word], i) => (name === 'CLIENT' && word !== 'ON' ? [i, i + 1] : [])),
  );
  silent.add(requests.length - 3);
  const heard = requests.filter((_, i) => !silent.has(i));
  const [ours, theirs] = await Promise.all(both.map((wire) => wire.batch(requests, heard.length)));
  for (const [i, reply] of theirs!.entries()) expect(ours![i], heard[i]!.slice(0, 2).join(' ')).toBe(reply);
});

test('a sort in steps is stable and complete, whatever the length', () => {
  for (const length of [0, 1, 255, 256, 257, 511, 513, 5000]) {
    const items = Array.from({ length }, (_, at) => ({ at, by: (at * 7919) % 97 }));
    const wanted = items.toSorted((a, b) => a.by - b.by);
    const steps = sortInSteps(items, (a, b) => a.by - b.by);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    expect(step.value).toEqual(wanted);
  }
});
