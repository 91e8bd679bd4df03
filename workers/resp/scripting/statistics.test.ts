import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';
import { openWire } from '../conformance/wire.ts';
import type { Wire } from '../conformance/wire.ts';

const engine = createEngine({ defaultNode: new Node({ id: 'statistics' }) });
let wire: Wire;

beforeAll(async () => {
  wire = await openWire(await engine.listen({ port: 0 }));
});
afterAll(async () => {
  wire.close();
  await engine.close();
});

/** Takes some tens of milliseconds, which is many slices, and calls commands in between that take none. */
const LONG = 'for i = 1, 20 do local s = 0 for j = 1, 1e6 do s = s + j end redis.call("set", "k", i) end return 1';

async function microsecondsOf(command: string): Promise<number> {
  const [info] = await wire.batch([['INFO', 'commandstats']]);
  return Number(new RegExp(`cmdstat_${command}:calls=1,usec=(\\d+)`).exec(info!)?.[1]);
}

test.each([
  ['by itself', [['EVAL', LONG, '0']]],
  ['in a transaction', [['MULTI'], ['EVAL', LONG, '0'], ['EXEC']]],
])('a long script %s is counted as one call with all it took, and what it calls with its own', async (_, requests) => {
  await wire.batch([
    ['CONFIG', 'RESETSTAT'],
    ['CONFIG', 'SET', 'slowlog-log-slower-than', '10000'],
    ['CONFIG', 'SET', 'latency-monitor-threshold', '10'],
    ['SLOWLOG', 'RESET'],
    ['LATENCY', 'RESET'],
  ]);
  await wire.batch(requests);
  expect(await microsecondsOf('eval')).toBeGreaterThan(10_000);
  const [slow, spikes] = await wire.batch([
    ['SLOWLOG', 'GET', '10'],
    ['LATENCY', 'LATEST'],
  ]);
  expect(slow).toContain('EVAL');
  expect(spikes).toContain('$7\r\ncommand\r\n');
});
