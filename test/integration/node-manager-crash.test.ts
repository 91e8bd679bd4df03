import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, expect, test } from 'vitest';

import { openBed, type Bed, type TestNode } from './node-manager-bed.ts';
import { startChild, type ChildManager } from './node-manager-child.ts';
import { closeClients, tenantOf } from './node-manager-clients.ts';
import { connectRaw } from './node-manager-wire.ts';

let bed: Bed | undefined;
let child: ChildManager | undefined;

afterEach(async () => {
  closeClients();
  await child?.end('SIGKILL');
  await bed?.close();
});

const kills = 6;
const writers = 8;

/** Writes one key after another, every third time two in a transaction, until the connection breaks; returns what was acknowledged. */
async function write(port: number, node: TestNode, round: number, writer: number): Promise<string[]> {
  const acknowledged: string[] = [];
  const wire = await connectRaw(port);
  try {
    expect(await wire.call('AUTH', node.nodeId, node.password)).toBe('+OK');
    for (let n = 0; ; n += 1) {
      const key = `${round}:${writer}:${n}`;
      if (n % 3 !== 0) {
        if ((await wire.call('SET', key, key)) === '+OK') acknowledged.push(key);
        continue;
      }
      await wire.call('MULTI');
      await wire.call('SET', `${key}:left`, key);
      await wire.call('SET', `${key}:right`, key);
      if ((await wire.call('EXEC')) === '*2') acknowledged.push(`${key}:left`, `${key}:right`);
    }
  } catch {
    return acknowledged;
  } finally {
    wire.close();
  }
}

function otherHalf(key: string): string {
  return key.endsWith(':left') ? key.replace(/left$/, 'right') : key.replace(/right$/, 'left');
}

test(`${kills} times kill -9 under load: every write acknowledged by an "always" node is there, transactions are whole`, async () => {
  bed = await openBed();
  child = await startChild(bed);
  const { port } = bed;
  const [node, neighbour] = await Promise.all([
    bed.createNode({ durability: 'always', memoryLimitMb: 256 }),
    bed.createNode({ durability: 'everysec', memoryLimitMb: 256 }),
  ]);
  const acknowledged: string[] = [];
  const starts: number[] = [];
  for (let round = 0; round < kills; round += 1) {
    const load = Array.from({ length: writers }, (_, writer) => write(port, node, round, writer));
    const noise = Array.from({ length: 2 }, (_, writer) => write(port, neighbour, round, writer));
    await sleep(150 + Math.random() * 400);
    await child.end('SIGKILL');
    acknowledged.push(...(await Promise.all(load)).flat());
    await Promise.all(noise);
    child = await startChild(bed);
    starts.push(child.start_ms);
  }
  const redis = tenantOf(port, node);
  const found = new Set<string>();
  for (let at = 0; at < acknowledged.length; at += 1000) {
    const keys = acknowledged.slice(at, at + 1000);
    const values = await redis.mget(keys);
    for (const [i, value] of values.entries()) if (value !== null) found.add(keys[i] ?? '');
  }
  for (const one of [redis, tenantOf(port, neighbour)]) {
    const present = new Set(await one.keys('*'));
    const halves = [...present].filter((key) => /:(left|right)$/.test(key));
    expect(halves.filter((key) => !present.has(otherHalf(key)))).toEqual([]);
  }
  const shown = starts.map((ms) => Math.round(ms)).join(', ');
  console.log(`${acknowledged.length} acknowledged writes over ${kills} kills; manager starts: ${shown} ms`);
  // Less would not be a load; how much more there is depends on the machine.
  expect(acknowledged.length).toBeGreaterThan(kills * writers);
  expect(acknowledged.filter((key) => !found.has(key))).toEqual([]);
  expect((await bed.state(node.nodeId)).status).toBe('running');
});

test('a manager that is killed while it creates nodes completes all of them afterwards, each once', async () => {
  bed = await openBed();
  child = await startChild(bed);
  const nodes: TestNode[] = [];
  for (let round = 0; round < 4; round += 1) {
    const creating = Array.from({ length: 30 }, async () => {
      const node = await bed?.createNode({ memoryLimitMb: 1 }, { wait: false });
      if (node !== undefined) nodes.push(node);
    });
    await sleep(Math.random() * 120);
    await child.end('SIGKILL');
    await Promise.all(creating);
    child = await startChild(bed);
  }
  expect(nodes).toHaveLength(120);
  for (const node of nodes) await bed.until(node.nodeId, 'running');
  for (const { nodeId } of nodes) {
    const events = await bed.eventLog.readStream(`node-${nodeId}`);
    expect(events.map(({ type }) => type)).toEqual(['NodeRequested', 'NodePlaced', 'NodeStarted']);
  }
  const [first] = nodes;
  if (first === undefined) throw new Error('unreachable');
  expect(await tenantOf(bed.port, first).ping()).toBe('PONG');
});

test('SIGTERM ends it within the deadline, and even nodes that do not write at once have lost nothing', async () => {
  bed = await openBed();
  child = await startChild(bed);
  const [node, careless] = await Promise.all([
    bed.createNode({ durability: 'everysec' }),
    bed.createNode({ durability: 'none' }),
  ]);
  await tenantOf(bed.port, careless).set('k', 'v');
  const acknowledging = write(bed.port, node, 0, 0);
  await sleep(300);
  const startedAt = performance.now();
  await child.end('SIGTERM');
  const stop_ms = performance.now() - startedAt;
  const acknowledged = await acknowledging;
  expect(child.process.exitCode).toBe(0);
  expect(stop_ms).toBeLessThan(5000);
  child = await startChild(bed);
  expect(await tenantOf(bed.port, node).exists(acknowledged)).toBe(acknowledged.length);
  expect(await tenantOf(bed.port, careless).get('k')).toBe('v');
});
