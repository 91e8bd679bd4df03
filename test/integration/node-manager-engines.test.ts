import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { newId } from '#infra/crypto/ids.ts';
import { createLog } from '#infra/logging/log.ts';
import type { RunningRole } from '#infra/process/role.ts';
import type { EngineStatus } from '#workers/node-manager/engines/calls.ts';
import { startNodeManager } from '#workers/node-manager/main.ts';
import { afterEach, expect, test, vi } from 'vitest';

import { openBed, type Bed, type TestNode } from './node-manager-bed.ts';
import { startChild, type ChildManager } from './node-manager-child.ts';
import { closeClients, tenantOf } from './node-manager-clients.ts';
import { connectRaw } from './node-manager-wire.ts';

let bed: Bed;
let role: RunningRole | undefined;
let child: ChildManager | undefined;

afterEach(async () => {
  closeClients();
  await stop();
  await child?.end('SIGKILL');
  child = undefined;
  await bed.close();
});

async function start(engineProcesses: number): Promise<void> {
  role = await startNodeManager({ ...bed.config, engineProcesses }, createLog('node-manager', 'fatal'));
  await vi.waitFor(async () => expect((await role?.readiness())?.ready).toBe(true), { timeout: 10_000 });
}

async function stop(): Promise<void> {
  await role?.stop();
  role = undefined;
}

async function engines(): Promise<readonly (EngineStatus | null)[]> {
  const detail = (await role?.readiness())?.detail;
  return detail?.['engines'] as readonly (EngineStatus | null)[];
}

const of = (node: TestNode) => tenantOf(bed.port, node);
const createNodes = (count: number, settings = {}) =>
  Promise.all(Array.from({ length: count }, () => bed.createNode({ durability: 'always', ...settings })));
const who = (nodes: readonly TestNode[]) => Promise.all(nodes.map((node) => of(node).get('who')));

async function introduce(nodes: readonly TestNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => of(node).set('who', node.nodeId)));
}

test('nodes spread over the processes by what they were promised, and one connection may go from node to node', async () => {
  bed = await openBed();
  await start(3);
  await createNodes(1, { memoryLimitMb: 64 });
  await createNodes(8, { memoryLimitMb: 16 });
  expect(new Set((await engines()).map((engine) => engine?.nodes))).toEqual(new Set([1, 4]));
  const [big, ...small] = await createNodes(6);
  if (big === undefined) throw new Error('unreachable');
  await introduce([big, ...small]);
  const wire = await connectRaw(bed.port);
  for (const { nodeId, password } of [big, ...small, big]) {
    expect(await wire.call('AUTH', nodeId, password)).toBe('+OK');
    expect(await wire.call('GET', 'who')).toBe(`$${nodeId}`);
    expect(await wire.call('CLIENT', 'SETNAME', 'traveller')).toBe('+OK');
  }
  expect(await wire.call('AUTH', small[0]?.nodeId ?? '', 'wrong')).toMatch(/^-WRONGPASS/);
  expect(await wire.call('GET', 'who')).toBe(`$${big.nodeId}`);
  wire.close();
  await vi.waitFor(async () => {
    const counts = (await engines()).map((engine) => engine?.connections ?? 0);
    expect(counts.reduce((sum, count) => sum + count)).toBe(6);
  });
});

test(
  'when a process is killed its nodes are away for a moment; the others do not notice',
  { timeout: 60_000 },
  async () => {
    bed = await openBed();
    await start(3);
    const nodes = await createNodes(9);
    await introduce(nodes);
    const pids = (await engines()).map((engine) => engine?.pid ?? 0);
    const clients = nodes.map((node) => of(node));
    const closed = clients.map((client) => {
      let ends = 0;
      client.on('close', () => (ends += 1));
      return () => ends;
    });
    await Promise.all(clients.map((client) => client.ping()));
    process.kill(pids[1] ?? 0, 'SIGKILL');
    await vi.waitFor(async () => expect((await engines())[1]?.pid).not.toBe(pids[1]), { timeout: 10_000 });
    await vi.waitFor(async () => expect((await engines())[1]?.nodes).toBe(3), { timeout: 10_000 });
    expect(closed.filter((ends) => ends() > 0)).toHaveLength(3);
    expect(await who(nodes)).toEqual(nodes.map(({ nodeId }) => nodeId));
    // What is wanted of nodes meanwhile is done as soon as their process is back.
    const victim = (await engines())[2]?.pid ?? 0;
    process.kill(victim, 'SIGKILL');
    const operationId = newId('op');
    for (const { nodeId } of nodes) {
      await bed.command({ type: 'StopNode', data: { nodeId, operationId, reason: 'requested' } });
    }
    for (const { nodeId } of nodes) await bed.until(nodeId, 'stopped');
    for (const { nodeId } of nodes) await bed.command({ type: 'StartNode', data: { nodeId, operationId } });
    for (const { nodeId } of nodes) await bed.until(nodeId, 'running');
    expect(await who(nodes)).toEqual(nodes.map(({ nodeId }) => nodeId));
  },
);

test(
  'with fewer or more processes than before all nodes are found, also when nobody remembers where',
  { timeout: 60_000 },
  async () => {
    bed = await openBed();
    const all: TestNode[] = [];
    for (const processes of [3, 1, 2, 4]) {
      await start(processes);
      expect(await who(all)).toEqual(all.map(({ nodeId }) => nodeId));
      const fresh = await createNodes(processes * 2);
      await introduce(fresh);
      all.push(...fresh);
      const hosted = (await engines()).map((engine) => engine?.nodes ?? 0);
      expect(hosted).toHaveLength(processes);
      expect(hosted.reduce((sum, count) => sum + count)).toBe(all.length);
      expect(Math.min(...hosted)).toBeGreaterThan(0);
      closeClients();
      await stop();
    }
    await rm(path.join(bed.config.home, 'nodes', 'manager-1', 'partitions'));
    await start(2);
    expect(await who(all)).toEqual(all.map(({ nodeId }) => nodeId));
  },
);

test('a node that was deleted leaves nothing; its place is given to the next', async () => {
  bed = await openBed();
  await start(2);
  const [first, second] = await createNodes(2);
  if (first === undefined || second === undefined) throw new Error('unreachable');
  await introduce([first, second]);
  await bed.command({ type: 'DeleteNode', data: { nodeId: first.nodeId, operationId: newId('op') } });
  await bed.until(first.nodeId, 'deleted');
  await createNodes(1);
  expect((await engines()).map((engine) => engine?.nodes)).toEqual([1, 1]);
});

test(
  'processes end with the manager that is killed, and the next one finds everything',
  { timeout: 60_000 },
  async () => {
    bed = await openBed();
    child = await startChild(bed);
    const nodes = await createNodes(4);
    await introduce(nodes);
    closeClients();
    await child.end('SIGKILL');
    child = await startChild(bed);
    expect(await who(nodes)).toEqual(nodes.map(({ nodeId }) => nodeId));
    const gone = child.end('SIGTERM');
    await Promise.race([gone, sleep(8000)]);
    expect(child.process.exitCode).toBe(0);
  },
);
