import { createLog } from '#infra/logging/log.ts';
import type { RunningRole } from '#infra/process/role.ts';
import { startNodeManager } from '#workers/node-manager/main.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { openBed, type Bed } from './node-manager-bed.ts';
import { closeClients, contentOf, tenantOf } from './node-manager-clients.ts';
import { connectRaw } from './node-manager-wire.ts';

let bed: Bed;
let role: RunningRole;

async function start(): Promise<void> {
  role = await startNodeManager(bed.config, createLog('node-manager', 'fatal'));
  await vi.waitFor(async () => expect((await role.readiness()).ready).toBe(true), { timeout: 5000 });
}

beforeAll(async () => {
  bed = await openBed();
  await start();
});

afterAll(async () => {
  closeClients();
  await role.stop();
  await bed.close();
});

/** A small generator of numbers that repeats for the same seed, so that what fails can be tried again; see mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const words = [
  '',
  'x'.repeat(300),
  '\u0000\u00ff',
  ...`a b c s h l e z * 0 1 -1 2 100 1.5 -inf +inf nan 9223372036854775807 -9223372036854775808 1e400 (1 [a - +
    EX PX NX XX GT LT CH INCR GET SET KEEPTTL PERSIST MATCH COUNT TYPE LIMIT BYSCORE BYLEX REV WITHSCORES WITHVALUES LEFT RIGHT
    BEFORE AFTER STORE ASC ALPHA WEIGHTS AGGREGATE SUM MIN MAX RANK MAXLEN LEN IDX REPLACE DB ABSTTL BIT BYTE INCRBY OVERFLOW
    WRAP u8 i64 #1 AND NOT LIST INFO HELP RESET STATS`.split(/\s+/),
];
/** These end the connection, change what its replies mean, or leave nothing to compare. */
const apart = new Set(
  'flushall flushdb quit subscribe psubscribe ssubscribe monitor client hello reset auth'.split(' '),
);
const rounds = 12_000;

test(`${rounds} commands with senseless arguments: every one has its reply, nobody else notices, and the journal leads to the same`, async () => {
  const seed = Date.now() % 1_000_000;
  const random = randomOf(seed);
  const [node, neighbour] = await Promise.all([bed.createNode({ durability: 'everysec' }), bed.createNode()]);
  const other = tenantOf(bed.port, neighbour);
  await other.set('k', 'v');
  const names = ((await tenantOf(bed.port, node).call('COMMAND', 'LIST')) as string[]).filter(
    (name) => !apart.has(name),
  );
  expect(names.length).toBeGreaterThan(100);
  const wire = await connectRaw(bed.port);
  expect(await wire.call('AUTH', node.password)).toBe('+OK');
  let last: string[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const name = names[random(names.length)] ?? 'ping';
      const args = Array.from({ length: random(7) }, () => words[random(words.length)] ?? '');
      // Blocking commands are not to block for long.
      last = /^b[lrz]|^wait/.test(name) ? [name, ...args, '0.001'] : [name, ...args];
      await wire.call(...last);
    }
  } catch (error) {
    throw new Error(`seed ${seed}: ${JSON.stringify(last)} had no reply`, { cause: error });
  }
  wire.close();
  expect(await other.get('k')).toBe('v');

  // What was journaled of all that leads to the same data again.
  const redis = tenantOf(bed.port, node);
  for (let db = 0; db < 16; db += 1) {
    await redis.select(db);
    for (const key of await redis.keysBuffer('*')) {
      const left_ms = await redis.pttl(key);
      if (left_ms >= 0 && left_ms < 60_000) await redis.del(key);
    }
  }
  const before = await contentOf(bed, node);
  closeClients();
  await role.stop();
  await start();
  expect([seed, await contentOf(bed, node)]).toEqual([seed, before]);
  expect(before.keys).toBeGreaterThan(0);
});

test('the latest of all expiries can be read back', async () => {
  const node = await bed.createNode({ durability: 'always' });
  const redis = tenantOf(bed.port, node);
  await redis.set('k', 'v');
  expect(await redis.call('PEXPIREAT', 'k', '9223372036854775807')).toBe(1);
  closeClients();
  await role.stop();
  await start();
  expect(await tenantOf(bed.port, node).get('k')).toBe('v');
});

test('bytes at random, cut anywhere, from many connections: each ends by itself', async () => {
  const random = randomOf(7);
  const node = await bed.createNode();
  const good = tenantOf(bed.port, node);
  await good.set('k', 'v');
  const alphabet = ['\r\n', ' ', '\u0000', '\u00ff', ...'* $ - + 1 3 9 0 SET GET " \' \\x a'.split(' ')];
  await Promise.all(
    Array.from({ length: 60 }, async (_unused, n) => {
      const wire = await connectRaw(bed.port);
      if (n % 2 === 0) await wire.call('AUTH', node.password);
      for (let i = 0; i < 30; i += 1) {
        wire.send(Array.from({ length: 1 + random(40) }, () => alphabet[random(alphabet.length)] ?? '').join(''));
        if (random(4) === 0) await good.ping();
      }
      wire.close();
    }),
  );
  expect(await good.get('k')).toBe('v');
});
