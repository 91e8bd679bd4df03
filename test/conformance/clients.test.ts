import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEngine } from '#workers/resp/engine.ts';
import { Node } from '#workers/resp/keyspace/node.ts';
import { rdbCodec } from '#workers/resp/persistence/codec.ts';
import { runPython } from '#test/tools/redis-py.ts';

/** The engine as applications use it: through the clients they have, each in its own way of speaking. */
const engine = createEngine({ defaultNode: new Node({ id: 'clients' }), codec: rdbCodec });
let port = 0;
let io: Redis;

beforeAll(async () => {
  port = await engine.listen({ port: 0 });
  io = new Redis({ port });
});
beforeEach(() => io.flushall());
afterAll(async () => {
  io.disconnect();
  await engine.close();
});

test('ioredis: every type, pipelines and transactions', async () => {
  await io.set('text', 'é', 'EX', 100);
  expect(await io.get('text')).toBe('é');
  expect(await io.getBuffer('text')).toEqual(Buffer.from('é'));
  await io.hset('hash', { a: 1, b: 'two' });
  expect(await io.hgetall('hash')).toEqual({ a: '1', b: 'two' });
  await io.rpush('list', '1', '2', '3');
  expect(await io.lrange('list', 0, -1)).toEqual(['1', '2', '3']);
  await io.sadd('set', 'a', 'b');
  expect((await io.smembers('set')).toSorted()).toEqual(['a', 'b']);
  await io.zadd('zset', '1', 'a', '2.5', 'b');
  expect(await io.zrange('zset', '0', '-1', 'WITHSCORES')).toEqual(['a', '1', 'b', '2.5']);
  await io.geoadd('places', 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania');
  expect(await io.geodist('places', 'Palermo', 'Catania', 'KM')).toBe('166.2742');
  await io.pfadd('seen', 'a', 'b', 'a');
  expect(await io.pfcount('seen')).toBe(2);
  await io.setbit('bits', 7, 1);
  expect(await io.bitcount('bits')).toBe(1);
  const replies = await io.pipeline().incr('n').get('n').hget('n', 'x').exec();
  expect(replies?.slice(0, 2)).toEqual([
    [null, 1],
    [null, '1'],
  ]);
  expect(String(replies?.[2]?.[0])).toContain('WRONGTYPE');
  await io.watch('n');
  expect(await io.multi().incr('n').exec()).toEqual([[null, 2]]);
  const keys: string[] = [];
  for await (const page of io.scanStream({ match: '*s*' })) keys.push(...(page as string[]));
  expect(keys.toSorted()).toEqual(['bits', 'hash', 'list', 'places', 'seen', 'set', 'zset']);
});

test('ioredis: waiting for an element, channels, scripts of its own', async () => {
  const other = io.duplicate();
  const waiting = other.blpop('queue', 5);
  await io.rpush('queue', 'job');
  expect(await waiting).toEqual(['queue', 'job']);
  const heard = new Promise((resolve) => other.on('message', (channel, text) => resolve([channel, text])));
  await other.subscribe('news');
  expect(await io.publish('news', 'hello')).toBe(1);
  expect(await heard).toEqual(['news', 'hello']);
  other.disconnect();
  io.defineCommand('double', { numberOfKeys: 1, lua: "return redis.call('incrby', KEYS[1], ARGV[1] * 2)" });
  const withCommand = io as Redis & { double(key: string, by: number): Promise<number> };
  expect(await withCommand.double('n', 4)).toBe(8);
  expect(await withCommand.double('n', 1)).toBe(10);
});

test('node-redis: RESP3, streams with groups, client-side caching', async () => {
  const client = createClient({
    socket: { port, host: '127.0.0.1' },
    RESP: 3,
    clientSideCache: { ttl: 0, maxEntries: 100, evictPolicy: 'LRU' },
  });
  await client.connect();
  await client.hSet('hash', { a: '1' });
  expect({ ...(await client.hGetAll('hash')) }).toEqual({ a: '1' });
  await io.hset('hash', 'a', '2');
  await expect.poll(async () => ({ ...(await client.hGetAll('hash')) })).toEqual({ a: '2' });
  await client.zAdd('zset', [{ score: 1.5, value: 'a' }]);
  expect(await client.zRangeWithScores('zset', 0, -1)).toEqual([{ score: 1.5, value: 'a' }]);
  await client.xGroupCreate('stream', 'group', '$', { MKSTREAM: true });
  const id = await client.xAdd('stream', '*', { field: 'value' });
  const read = await client.xReadGroup('group', 'me', { key: 'stream', id: '>' });
  expect(JSON.stringify(read)).toContain('value');
  expect((await client.xPending('stream', 'group')).pending).toBe(1);
  expect(await client.xAck('stream', 'group', id)).toBe(1);
  expect(await client.multi().set('a', '1').incr('a').exec()).toEqual(['OK', 2]);
  client.destroy();
});

const PYTHON = `
import redis, sys, threading
for protocol in (2, 3):
    r = redis.Redis(port=int(sys.argv[1]), protocol=protocol, decode_responses=True)
    r.flushall()
    r.set('k', 'v', px=100000)
    assert r.get('k') == 'v' and 0 < r.pttl('k') <= 100000
    r.hset('h', mapping={'a': 1, 'b': 2})
    assert r.hgetall('h') == {'a': '1', 'b': '2'}
    r.zadd('z', {'a': 1.5, 'b': 2})
    assert r.zscore('z', 'a') == 1.5
    r.sadd('s', 'x', 'y')
    assert r.smembers('s') == {'x', 'y'}
    with r.pipeline() as p:
        p.watch('n')
        p.multi()
        p.incr('n')
        p.lpush('l', 1, 2)
        assert p.execute() == [1, 2]
    add = r.register_script("return redis.call('incrby', KEYS[1], ARGV[1])")
    assert add(keys=['n'], args=[41]) == 42
    r.xadd('st', {'f': 'v'}, id='1-1')
    r.xgroup_create('st', 'g', id='0')
    assert '1-1' in str(r.xreadgroup('g', 'c', {'st': '>'}))
    assert r.xack('st', 'g', '1-1') == 1
    threading.Timer(0.1, lambda: redis.Redis(port=int(sys.argv[1])).rpush('q', 'job')).start()
    assert list(r.blpop(['q'], timeout=5)) == ['q', 'job']
    sub = r.pubsub()
    sub.subscribe('news')
    sub.get_message(timeout=1)
    r.publish('news', 'hello')
    assert sub.get_message(timeout=1)['data'] == 'hello'
    try:
        r.lpush('k', 1)
        raise SystemExit('no error')
    except redis.ResponseError as error:
        assert 'WRONGTYPE' in str(error)
    assert not r.info().get('cluster_enabled')
print('held')
`;

test('redis-py: both protocols', async () => {
  expect((await runPython(PYTHON, String(port))).trim()).toBe('held');
});
