import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { newId } from '#infra/crypto/ids.ts';
import { newSecret } from '#infra/crypto/secrets.ts';
import { createLog } from '#infra/logging/log.ts';
import { createPool } from '#infra/postgres/pool.ts';
import type { RunningRole } from '#infra/process/role.ts';
import { runProjections } from '#projections/kernel/runner.ts';
import { readRouting } from '#projections/routing/queries.ts';
import { allViews } from '#projections/views.ts';
import { startNodeManager } from '#workers/node-manager/main.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { openBed, type Bed, type TestNode } from './node-manager-bed.ts';
import { closeClients, tenantOf } from './node-manager-clients.ts';
import { openProxy } from './node-manager-proxy.ts';
import { connectRaw } from './node-manager-wire.ts';

let bed: Bed;
let role: RunningRole | undefined;
const log = createLog('node-manager', 'fatal');

async function start(config = bed.config): Promise<void> {
  role = await startNodeManager(config, log);
  await vi.waitFor(async () => expect((await role?.readiness())?.ready).toBe(true), { timeout: 5000 });
}

async function stop(): Promise<void> {
  closeClients();
  await role?.stop();
  role = undefined;
}

beforeEach(async () => {
  // One, so that all nodes share what is damaged here.
  bed = await openBed({ ENGINE_PROCESSES: '1' });
});

afterEach(async () => {
  await stop();
  await bed.close();
});

const of = (node: TestNode) => tenantOf(bed.port, node);
const folder = () => path.join(bed.config.home, 'nodes', 'manager-1');

async function login(node: Pick<TestNode, 'nodeId' | 'password'>): Promise<string> {
  const wire = await connectRaw(bed.port);
  const answer = await wire.call('AUTH', node.nodeId, node.password);
  wire.close();
  return answer;
}

/** Flips a bit in each of some bytes in the middle of a file. */
async function damage(file: string, length: number): Promise<void> {
  const bytes = await readFile(file);
  const middle = Math.floor(bytes.length / 2);
  for (let at = middle; at < middle + length; at += 1) bytes.writeUInt8(bytes.readUInt8(at) ^ 16, at);
  await writeFile(file, bytes);
}

describe('damaged data', () => {
  test('of one node fails that node with its reason, and no other', async () => {
    await start();
    const [hit, spared] = await Promise.all([bed.createNode(), bed.createNode()]);
    for (const node of [hit, spared]) {
      await of(node).set('k', 'x'.repeat(1000));
      await bed.command({
        type: 'StopNode',
        data: { nodeId: node.nodeId, operationId: newId('op'), reason: 'requested' },
      });
      await bed.until(node.nodeId, 'stopped');
    }
    const bases = await readdir(path.join(folder(), 'bases'));
    const base = bases.find((name) => name.startsWith(hit.nodeId));
    await damage(path.join(folder(), 'bases', String(base)), 1);
    for (const { nodeId } of [hit, spared]) {
      await bed.command({ type: 'StartNode', data: { nodeId, operationId: newId('op') } });
    }
    await bed.until(spared.nodeId, 'running');
    await bed.until(hit.nodeId, 'failed');
    expect((await bed.state(hit.nodeId)).failure).toMatch(/damaged|checksum|RDB/);
    expect(await login(hit)).toMatch(/^-ERR node has failed: /);
    expect(await of(spared).strlen('k')).toBe(1000);
    await bed.command({ type: 'DeleteNode', data: { nodeId: hit.nodeId, operationId: newId('op') } });
    await bed.until(hit.nodeId, 'deleted');
    expect((await readdir(path.join(folder(), 'bases'))).filter((name) => name.startsWith(hit.nodeId))).toEqual([]);
  });

  test('in the middle of the log of writes fails the nodes it hit; others run, and new ones can be made', async () => {
    await start();
    const nodes = await Promise.all(Array.from({ length: 4 }, () => bed.createNode({ durability: 'always' })));
    for (let i = 0; i < 50; i += 1) await Promise.all(nodes.map((node) => of(node).set(`k${i}`, 'x'.repeat(100))));
    const [, , , apart] = nodes;
    if (apart === undefined) throw new Error('unreachable');
    await bed.command({
      type: 'StopNode',
      data: { nodeId: apart.nodeId, operationId: newId('op'), reason: 'requested' },
    });
    await bed.until(apart.nodeId, 'stopped');
    await bed.command({ type: 'StartNode', data: { nodeId: apart.nodeId, operationId: newId('op') } });
    await bed.until(apart.nodeId, 'running');
    await stop();
    const [segment] = (await readdir(folder())).filter((name) => name.endsWith('.wal'));
    await damage(path.join(folder(), String(segment)), 1000);
    await start();
    // The one whose data was written beside the log when it stopped needs nothing of the damaged part.
    await vi.waitFor(async () => expect(await login(apart)).toBe('+OK'));
    expect(await of(apart).dbsize()).toBe(50);
    let failed = 0;
    for (const node of nodes) {
      const answer = await login(node);
      if (answer === '+OK') {
        expect(await of(node).dbsize()).toBe(50);
        continue;
      }
      expect(answer).toMatch(/^-ERR node has failed: .*(missing|damage)/);
      await bed.until(node.nodeId, 'failed');
      failed += 1;
    }
    expect(failed).toBeGreaterThan(0);
    const fresh = await bed.createNode({ durability: 'always' });
    expect(await of(fresh).set('k', 'v')).toBe('OK');
    await stop();
    await start();
    expect(await of(fresh).get('k')).toBe('v');
  });
});

test('a database that is away at the start is waited for, and one that goes away later is not missed by nodes', async () => {
  const { hostname, port } = new URL(bed.config.databaseUrl);
  const proxy = await openProxy({ host: hostname, port: Number(port) });
  const databaseUrl = new URL(bed.config.databaseUrl);
  databaseUrl.hostname = '127.0.0.1';
  databaseUrl.port = String(proxy.port);
  const node = await bed.createNode({ durability: 'always' }, { wait: false });
  role = await startNodeManager({ ...bed.config, databaseUrl: databaseUrl.href }, log);
  expect((await role.readiness()).ready).toBe(false);
  expect(await login(node)).toBe('-LOADING MiniRedis is starting; try again in a moment');
  proxy.mend();
  await vi.waitFor(async () => expect((await role?.readiness())?.ready).toBe(true), { timeout: 10_000 });
  expect(await of(node).set('k', 'v')).toBe('OK');
  await bed.until(node.nodeId, 'running');

  const open = of(node);
  await open.ping();
  proxy.cut();
  expect(await open.set('k', 'while away')).toBe('OK');
  expect(await of(node).get('k')).toBe('while away');
  const wrong = { ...node, password: `${node.nodeId}.${newSecret()}` };
  const startedAt = performance.now();
  expect(await login(wrong)).toMatch(/^-WRONGPASS/);
  expect(performance.now() - startedAt).toBeLessThan(3000);
  expect((await role.readiness()).ready).toBe(true);
  await bed.command({ type: 'StopNode', data: { nodeId: node.nodeId, operationId: newId('op'), reason: 'requested' } });
  proxy.mend();
  await bed.until(node.nodeId, 'stopped');
  const events = await bed.eventLog.readStream(`node-${node.nodeId}`);
  const wanted = ['NodeRequested', 'NodePlaced', 'NodeStarted', 'NodeStopRequested', 'NodeStopped'];
  expect(events.map(({ type }) => type)).toEqual(wanted);
  // A report that can't be given does not keep the manager from ending in time, with everything written down.
  const last = await bed.createNode({ durability: 'everysec' });
  await of(last).set('k', 'v');
  await bed.command({ type: 'DeleteNode', data: { nodeId: node.nodeId, operationId: newId('op') } });
  proxy.cut();
  const stoppedAt = performance.now();
  await stop();
  expect(performance.now() - stoppedAt).toBeLessThan(8000);
  await start();
  expect(await of(last).get('k')).toBe('v');
  await bed.until(node.nodeId, 'deleted');
  await proxy.close();
});

test('with a read model the start needs no history, and what it does not have yet comes from the log', async () => {
  await start();
  const [running, stopped, failed] = await Promise.all([bed.createNode(), bed.createNode(), bed.createNode()]);
  await Promise.all([running, stopped, failed].map((node) => of(node).set('k', 'v')));
  await bed.command({
    type: 'StopNode',
    data: { nodeId: stopped.nodeId, operationId: newId('op'), reason: 'requested' },
  });
  await bed.until(stopped.nodeId, 'stopped');
  await stop();
  const pool = createPool(bed.config.databaseUrl, { name: 'test views' });
  const projections = runProjections(bed.eventLog, pool, allViews, log);
  const provisioning = await bed.createNode({}, { wait: false });
  const head = await bed.eventLog.head();
  await vi.waitFor(async () => expect((await readRouting(pool, 'manager-1')).position).toBe(head), { timeout: 10_000 });
  await projections.stop();
  // From here on the read model stands still.
  const password = await bed.rotate(running.nodeId);
  const later = await bed.createNode({}, { wait: false });
  await start();
  expect(await of({ ...running, password }).get('k')).toBe('v');
  expect(await login(running)).toMatch(/^-WRONGPASS/);
  expect(await login(stopped)).toBe('-ERR node is stopped; start it first');
  for (const node of [provisioning, later]) {
    await bed.until(node.nodeId, 'running');
    expect(await of(node).dbsize()).toBe(0);
  }
  const events = await bed.eventLog.readStream(`node-${provisioning.nodeId}`);
  const [placed, started] = events.slice(1);
  expect(started?.metadata).toMatchObject({
    causationId: placed?.eventId,
    correlationId: placed?.metadata.correlationId,
  });
  await pool.end();
});
