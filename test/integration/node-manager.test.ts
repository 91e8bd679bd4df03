import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { startNodeManager } from '#workers/node-manager/main.ts';
import { createLog } from '#infra/logging/log.ts';
import { newId } from '#infra/crypto/ids.ts';
import { newSecret } from '#infra/crypto/secrets.ts';
import type { RunningRole } from '#infra/process/role.ts';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { redisBinaries } from '../tools/redis-binaries.ts';
import { runPython } from '../tools/redis-py.ts';
import { closeClients, tenantOf } from './node-manager-clients.ts';
import { openBed, type Bed, type TestNode } from './node-manager-bed.ts';
import { connectRaw } from './node-manager-wire.ts';

const run = promisify(execFile);

let bed: Bed;
let role: RunningRole;

beforeAll(async () => {
  bed = await openBed();
  role = await startNodeManager(bed.config, createLog('node-manager', 'fatal'));
  await vi.waitFor(async () => expect((await role.readiness()).ready).toBe(true), { timeout: 5000 });
});

afterEach(closeClients);

afterAll(async () => {
  await role.stop();
  await bed.close();
});

const of = (node: TestNode) => tenantOf(bed.port, node);

describe('many nodes on one port', () => {
  test('the first PONG comes within a moment of the append that created the node', async () => {
    const took: number[] = [];
    for (let i = 0; i < 40; i += 1) {
      const node = await bed.createNode({ memoryLimitMb: 1 }, { wait: false });
      const startedAt = performance.now();
      const wire = await connectRaw(bed.port);
      expect(await wire.call('AUTH', node.nodeId, node.password)).toBe('+OK');
      expect(await wire.call('PING')).toBe('+PONG');
      took.push(performance.now() - startedAt);
      wire.close();
      await bed.until(node.nodeId, 'running');
    }
    took.sort((a, b) => a - b);
    const [p50, p95] = [took[20] ?? 0, took[38] ?? 0];
    console.log(`append → first PONG over a new connection: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`);
    expect(p50).toBeLessThan(1000);
  });

  test('every form of AUTH that clients send leads to the node', async () => {
    const node = await bed.createNode();
    const { nodeId, password } = node;
    await of(node).set('where', 'here');
    for (const login of [
      ['AUTH', nodeId, password],
      ['AUTH', password],
      ['AUTH', 'default', password],
      ['AUTH', `${nodeId}:default`, password],
    ]) {
      const wire = await connectRaw(bed.port);
      expect(await wire.call(...login)).toBe('+OK');
      expect(await wire.call('GET', 'where')).toBe('$here');
      wire.close();
    }
    const wire = await connectRaw(bed.port);
    expect(await wire.call('HELLO', '3', 'AUTH', nodeId, password)).toMatch(/^%/);
    expect(await wire.call('GET', 'where')).toBe('$here');
    wire.close();
  });

  test("a node has what its tenant's plan gives it, and is told of and counted where it had to wait", async () => {
    const [small, usual] = await Promise.all([bed.createNode({}, { plan: 'free' }), bed.createNode()]);
    const throttled = async (node: TestNode): Promise<number> => {
      const client = of(node);
      const pipeline = client.pipeline();
      for (let n = 0; n < 15_000; n += 1) pipeline.set('k', n);
      await pipeline.exec();
      // The next read is the one that waits.
      await client.get('k');
      return Number(/throttled_reads:(\d+)/.exec(await client.info('stats'))?.[1]);
    };
    expect(await Promise.all([throttled(small), throttled(usual)])).toEqual([expect.any(Number), 0]);
    expect(await throttled(small)).toBeGreaterThan(0);
    expect(await role.metrics?.()).toMatch(/miniredis_engine_throttled_reads\{pid="\d+"\} [1-9]/);
  });

  test('stock clients use a node: redis-cli, ioredis, node-redis and redis-py', async () => {
    const node = await bed.createNode();
    const { cli, env } = await redisBinaries();
    const said = await run(cli, ['-u', node.url, '--no-auth-warning', 'SET', 'from', 'redis-cli'], { env });
    expect(said.stdout.trim()).toBe('OK');
    const alone = ['-h', '127.0.0.1', '-p', String(bed.port), '-a', node.password, '--no-auth-warning', 'GET', 'from'];
    expect((await run(cli, alone, { env })).stdout.trim()).toBe('redis-cli');
    const ioredis = new Redis(node.url);
    expect(await ioredis.get('from')).toBe('redis-cli');
    ioredis.disconnect();
    for (const RESP of [2, 3] as const) {
      const nodeRedis = createClient({ url: node.url, RESP });
      nodeRedis.on('error', () => {});
      await nodeRedis.connect();
      expect(await nodeRedis.hSet('h', { a: '1' })).toBeTypeOf('number');
      expect(await nodeRedis.hGetAll('h')).toEqual({ a: '1' });
      await nodeRedis.close();
    }
    const python = `
import redis, sys
for protocol in (2, 3):
    r = redis.Redis.from_url(sys.argv[1], protocol=protocol, decode_responses=True)
    with r.pipeline(transaction=True) as p:
        p.rpush('l%d' % protocol, 'a', 'b').lrange('l%d' % protocol, 0, -1)
        print(p.execute())
print(r.get('from'))`;
    expect(await runPython(python, node.url)).toBe("[2, ['a', 'b']]\n[2, ['a', 'b']]\nredis-cli\n");
  });

  test('nodes share nothing: keys, channels, client lists, scripts of keys, statistics', async () => {
    const [left, right] = await Promise.all([bed.createNode(), bed.createNode()]);
    const [a, b] = [of(left), of(right)];
    await a.mset('x', '1', 'y', '2');
    expect(await b.get('x')).toBeNull();
    expect(await b.dbsize()).toBe(0);
    expect(await b.scan(0)).toEqual(['0', []]);
    await b.set('x', 'other');
    expect(await a.get('x')).toBe('1');
    await b.flushall();
    expect(await a.dbsize()).toBe(2);

    const [listener, heard] = [of(left), [] as string[]];
    listener.on('message', (_: string, message: string) => heard.push(message));
    await listener.subscribe('news');
    expect(await b.publish('news', 'from the other tenant')).toBe(0);
    expect(await b.call('PUBSUB', 'CHANNELS')).toEqual([]);
    expect(await a.publish('news', 'from my own')).toBe(1);
    await vi.waitFor(() => expect(heard).toEqual(['from my own']));

    const clients = String(await b.call('CLIENT', 'LIST'));
    expect(clients.trim().split('\n')).toHaveLength(1);
    const id = /\bid=(\d+)/.exec(String(await a.call('CLIENT', 'LIST')))?.[1];
    await b.call('CLIENT', 'KILL', 'ID', String(id), 'SKIPME', 'yes');
    expect(await a.ping()).toBe('PONG');
    expect(await b.info('clients')).toContain('connected_clients:1\r\n');
    expect(await b.info('keyspace')).not.toContain('db0');
  });

  test('WATCH and MULTI of one node are not disturbed by the same key of another', async () => {
    const [left, right] = await Promise.all([bed.createNode(), bed.createNode()]);
    const [a, b] = [of(left), of(right)];
    await a.watch('k');
    await b.set('k', 'other');
    expect(await a.multi().set('k', 'mine').exec()).toEqual([[null, 'OK']]);
    await a.watch('k');
    await of(left).set('k', 'changed');
    expect(await a.multi().set('k', 'mine').exec()).toBeNull();
  });
});

describe('who may not', () => {
  const wrong = 'WRONGPASS invalid username-password pair or user is disabled.';

  test('a wrong password, an unknown node and an impossible user hear the same words after about the same time', async () => {
    const node = await bed.createNode();
    const unknown = newId('node');
    const cases: Record<string, string[]> = {
      'wrong password': ['AUTH', node.nodeId, `${node.nodeId}.${newSecret()}`],
      'unknown node': ['AUTH', unknown, `${unknown}.${newSecret()}`],
      "another node's password": ['AUTH', unknown, node.password],
      'no password of ours': ['AUTH', node.nodeId, 'guess'],
      'impossible user': ['AUTH', 'admin', 'admin'],
      'other ACL user': ['AUTH', `${node.nodeId}:alice`, node.password],
      'password alone': ['AUTH', 'foobared'],
      'bad token': ['AUTH', '@platform', `${node.nodeId}.99999999999999.${'0'.repeat(64)}`],
      'in HELLO': ['HELLO', '3', 'AUTH', 'default', 'nope'],
    };
    const took: Record<string, number> = {};
    for (const [name, command] of Object.entries(cases)) {
      const wire = await connectRaw(bed.port);
      const startedAt = performance.now();
      expect([name, await wire.call(...command)]).toEqual([name, `-${wrong}`]);
      took[name] = performance.now() - startedAt;
      expect(await wire.call('GET', 'x')).toBe('-NOAUTH Authentication required.');
      wire.close();
    }
    expect(Math.abs((took['wrong password'] ?? 0) - (took['unknown node'] ?? 0))).toBeLessThan(500);
  });

  test('nothing works before AUTH, and the connection stays', async () => {
    const node = await bed.createNode();
    const wire = await connectRaw(bed.port);
    for (const command of [['GET', 'x'], ['PING'], ['CLIENT', 'LIST'], ['INFO'], ['FLUSHALL']]) {
      expect(await wire.call(...command)).toBe('-NOAUTH Authentication required.');
    }
    expect(await wire.call('MINIREDIS', 'SNAPSHOT', 'x')).toMatch(/^-ERR unknown command 'MINIREDIS'/);
    expect(await wire.call('HELLO', '3')).toMatch(
      /^-NOAUTH HELLO must be called with the client already authenticated/,
    );
    expect(await wire.call('AUTH', node.nodeId, node.password)).toBe('+OK');
    expect(await wire.call('PING')).toBe('+PONG');
    wire.close();
  });

  test('one who guesses is slowed down and refused; who knows the password is not kept out', async () => {
    const node = await bed.createNode();
    const guesses = Array.from({ length: 80 }, async () => {
      const wire = await connectRaw(bed.port);
      const answer = await wire.call('AUTH', node.nodeId, `${node.nodeId}.${newSecret()}`);
      wire.close();
      return answer;
    });
    const startedAt = performance.now();
    expect(await of(node).ping()).toBe('PONG');
    console.log(`a login among 80 guesses took ${(performance.now() - startedAt).toFixed(1)} ms`);
    const answers = await Promise.all(guesses);
    for (const answer of answers) expect(answer).toMatch(/^-WRONGPASS /);
    const { detail } = await role.readiness();
    expect(detail['failedLogins']).toBeGreaterThanOrEqual(80);
    expect(await of(node).ping()).toBe('PONG');
  });

  test('a second AUTH that fails leaves the connection where it was; one that succeeds moves it', async () => {
    const [left, right] = await Promise.all([bed.createNode(), bed.createNode()]);
    const wire = await connectRaw(bed.port);
    expect(await wire.call('AUTH', left.password)).toBe('+OK');
    expect(await wire.call('SET', 'here', 'left')).toBe('+OK');
    expect(await wire.call('AUTH', right.nodeId, left.password)).toBe(`-${wrong}`);
    expect(await wire.call('GET', 'here')).toBe('$left');
    expect(await wire.call('AUTH', right.password)).toBe('+OK');
    expect(await wire.call('GET', 'here')).toBe('$-1');
    wire.close();
  });

  test("tenants have neither the platform's command nor the server's administration", async () => {
    const redis = of(await bed.createNode());
    await expect(redis.call('MINIREDIS', 'SNAPSHOT', 'x')).rejects.toThrow(/^ERR unknown command 'MINIREDIS'/);
    for (const command of [
      ['SHUTDOWN'],
      ['DEBUG', 'SLEEP', '1'],
      ['CONFIG', 'SET', 'dir', '/tmp'],
      ['CONFIG', 'SET', 'maxmemory', '0'],
      ['REPLICAOF', 'NO', 'ONE'],
      ['SLAVEOF', 'NO', 'ONE'],
      ['MIGRATE', '127.0.0.1', '1', 'k', '0', '1'],
      ['SAVE'],
      ['BGREWRITEAOF'],
      ['ACL', 'LOAD'],
      ['MODULE', 'LOAD', '/tmp/x.so'],
      ['PSYNC', '?', '-1'],
    ]) {
      await expect(redis.call(command[0] ?? '', ...command.slice(1)), command.join(' ')).rejects.toThrow(
        /^(ERR|NOPERM)/,
      );
    }
    expect(await redis.ping()).toBe('PONG');
  });
});

describe('what one connection does wrong is no concern of others', () => {
  test('broken frames, oversized bulks and abrupt ends close their connection alone', async () => {
    const node = await bed.createNode();
    const good = of(node);
    await good.set('k', 'v');
    const broken: [string, RegExp][] = [
      ['*1\r\n+PING\r\n', /^-ERR Protocol error: expected '\$', got '\+'/],
      ['*-5x\r\n', /^-ERR Protocol error: invalid multibulk length/],
      ['*2147483648\r\n', /^-ERR Protocol error: invalid multibulk length/],
      ['*1\r\n$abc\r\n', /^-ERR Protocol error: invalid bulk length/],
      ['*1\r\n$536870913\r\n', /^-ERR Protocol error: invalid bulk length/],
      ['*1\r\n$-2\r\n', /^-ERR Protocol error: invalid bulk length/],
      ['SET "unbalanced\r\n', /^-ERR Protocol error: unbalanced quotes in request/],
    ];
    for (const [bytes, answer] of broken) {
      const wire = await connectRaw(bed.port);
      expect(await wire.call('AUTH', node.password)).toBe('+OK');
      wire.send(bytes);
      expect(await wire.next()).toMatch(answer);
      expect(await wire.ended()).toBe(true);
      expect(await good.get('k')).toBe('v');
    }
    const stranger = await connectRaw(bed.port);
    stranger.send('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\n');
    expect(await stranger.next()).toMatch(/^-ERR Protocol error: unauthenticated bulk length/);
    expect(await stranger.ended()).toBe(true);
    const halves = await connectRaw(bed.port);
    halves.send('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nne');
    halves.close();
    expect(await good.get('k')).toBe('v');
  });

  test('a full node refuses its own writes only', async () => {
    const [full, other] = await Promise.all([
      bed.createNode({ memoryLimitMb: 1 }),
      bed.createNode({ memoryLimitMb: 1 }),
    ]);
    const [a, b] = [of(full), of(other)];
    const fill = async () => {
      for (let i = 0; i < 64; i += 1) await a.set(`k${i}`, 'x'.repeat(65_536));
    };
    await expect(fill()).rejects.toThrow(/^OOM command not allowed when used memory > 'maxmemory'/);
    expect(await a.get('k0')).toHaveLength(65_536);
    expect(await b.set('k', 'v')).toBe('OK');
  });

  test('a node with an eviction policy goes on', async () => {
    const redis = of(await bed.createNode({ memoryLimitMb: 1, evictionPolicy: 'allkeys-lru' }));
    for (let i = 0; i < 64; i += 1) await redis.set(`k${i}`, 'x'.repeat(65_536));
    // Which of keys of the same second go is chance, as in Redis; 16 of them would fill the node.
    const kept = await redis.dbsize();
    expect(kept).toBeGreaterThan(8);
    expect(kept).toBeLessThan(16);
  });
});
