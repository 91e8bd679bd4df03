import type { NodeId } from '#domains/kernel/ids.ts';
import { nodeStream } from '#domains/node/events.ts';
import { newId } from '#infra/crypto/ids.ts';
import { createLog } from '#infra/logging/log.ts';
import type { RunningRole } from '#infra/process/role.ts';
import { startNodeManager } from '#workers/node-manager/main.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { openBed, type Bed, type TestNode } from './node-manager-bed.ts';
import { clientOf, closeClients, tenantOf } from './node-manager-clients.ts';
import { connectRaw } from './node-manager-wire.ts';

let bed: Bed;
let role: RunningRole;

async function start(): Promise<void> {
  role = await startNodeManager(bed.config, createLog('node-manager', 'fatal'));
  await vi.waitFor(async () => expect((await role.readiness()).ready).toBe(true), { timeout: 60_000 });
}

beforeAll(async () => {
  bed = await openBed();
  await start();
});

afterEach(closeClients);

afterAll(async () => {
  await role.stop();
  await bed.close();
});

const of = (node: TestNode) => tenantOf(bed.port, node);
const stop = (nodeId: NodeId) =>
  bed.command({ type: 'StopNode', data: { nodeId, operationId: newId('op'), reason: 'requested' } });
const startNode = (nodeId: NodeId) => bed.command({ type: 'StartNode', data: { nodeId, operationId: newId('op') } });
const remove = (nodeId: NodeId) => bed.command({ type: 'DeleteNode', data: { nodeId, operationId: newId('op') } });

/** What the manager said of a node, oldest first. */
async function reports(nodeId: NodeId): Promise<string[]> {
  const events = await bed.eventLog.readStream(nodeStream(nodeId));
  return events.filter(({ metadata }) => metadata.actor.id === 'node-manager/manager-1').map(({ type }) => type);
}

/** The error a login meets. */
async function loginError(node: TestNode): Promise<string> {
  const wire = await connectRaw(bed.port);
  const answer = await wire.call('AUTH', node.nodeId, node.password);
  wire.close();
  return answer;
}

describe('what the log asks for is done', () => {
  test('a node stops, keeps its data, and starts with it', async () => {
    const node = await bed.createNode({ durability: 'everysec' });
    const redis = of(node);
    await redis.set('kept', 'yes');
    await redis.pexpire('kept', 3_600_000);
    await stop(node.nodeId);
    await bed.until(node.nodeId, 'stopped');
    await vi.waitFor(() => expect(redis.status).toBe('end'));
    expect(await loginError(node)).toBe('-ERR node is stopped; start it first');
    const wrong = await loginError({ ...node, password: `${node.password.slice(0, -1)}~` });
    expect(wrong).toBe('-WRONGPASS invalid username-password pair or user is disabled.');
    await startNode(node.nodeId);
    await bed.until(node.nodeId, 'running');
    expect(await of(node).get('kept')).toBe('yes');
    expect(await of(node).pttl('kept')).toBeGreaterThan(3_500_000);
    expect(await reports(node.nodeId)).toEqual(['NodeStarted', 'NodeStopped', 'NodeStarted']);
  });

  test('ACL users of a node log in through the platform, are held to their rules, and come back with the node', async () => {
    const node = await bed.createNode({ durability: 'always' });
    const redis = of(node);
    await redis.call('ACL', 'SETUSER', 'alice', 'on', '>wonderland', '~a:*', '+@read', '+set', '+acl|whoami');
    const login = async (user: string, password: string) => {
      const wire = await connectRaw(bed.port);
      const answer = await wire.call('AUTH', `${node.nodeId}:${user}`, password);
      return { wire, answer };
    };
    const restricted = async (): Promise<void> => {
      const { wire, answer } = await login('alice', 'wonderland');
      expect(answer).toBe('+OK');
      expect(await wire.call('ACL', 'WHOAMI')).toBe('$alice');
      expect(await wire.call('SET', 'a:1', 'x')).toBe('+OK');
      expect(await wire.call('SET', 'b:1', 'x')).toBe('-NOPERM No permissions to access a key');
      expect(await wire.call('FLUSHALL')).toMatch(/^-NOPERM User alice has no permissions to run the 'flushall'/);
      wire.close();
      const wrong = await login('alice', 'looking-glass');
      expect(wrong.answer).toBe('-WRONGPASS invalid username-password pair or user is disabled.');
      wrong.wire.close();
    };
    await restricted();
    await stop(node.nodeId);
    await bed.until(node.nodeId, 'stopped');
    await startNode(node.nodeId);
    await bed.until(node.nodeId, 'running');
    await restricted();
    await of(node).call('ACL', 'DELUSER', 'alice');
    const gone = await login('alice', 'wonderland');
    expect(gone.answer).toMatch(/^-WRONGPASS/);
    gone.wire.close();
  });

  test('a node without durability keeps its data when it is stopped in order', async () => {
    const node = await bed.createNode({ durability: 'none' });
    await of(node).set('kept', 'yes');
    await stop(node.nodeId);
    await bed.until(node.nodeId, 'stopped');
    await startNode(node.nodeId);
    await bed.until(node.nodeId, 'running');
    expect(await of(node).get('kept')).toBe('yes');
  });

  test('a new memory limit holds at once', async () => {
    const node = await bed.createNode({ memoryLimitMb: 1 });
    const redis = of(node);
    const fill = async () => {
      for (let i = 0; i < 40; i += 1) await redis.set(`k${i}`, 'x'.repeat(65_536));
    };
    await expect(fill()).rejects.toThrow(/^OOM/);
    await bed.command({ type: 'ResizeNode', data: { nodeId: node.nodeId, memoryLimitMb: 8, availableMb: 100 } });
    await vi.waitFor(() => fill());
    expect(await redis.info('memory')).toContain(`maxmemory:${8 * 2 ** 20}\r\n`);
    await bed.command({ type: 'ResizeNode', data: { nodeId: node.nodeId, memoryLimitMb: 1, availableMb: 100 } });
    await vi.waitFor(() => expect(redis.set('k', 'x')).rejects.toThrow(/^OOM/));
    expect(await redis.get('k39')).toHaveLength(65_536);
  });

  test('rotated credentials: the old ones are worth nothing any more, the new ones hold at once', async () => {
    const node = await bed.createNode();
    const old = of(node);
    await old.set('k', 'v');
    const platform = clientOf(bed.port, { username: '@platform', password: bed.platformToken(node.nodeId) });
    expect(await platform.get('k')).toBe('v');
    const password = await bed.rotate(node.nodeId);
    expect(await of({ ...node, password }).get('k')).toBe('v');
    expect(await loginError(node)).toBe('-WRONGPASS invalid username-password pair or user is disabled.');
    await vi.waitFor(() => expect(old.status).toBe('end'));
    expect(await platform.get('k')).toBe('v');
  });

  test('a deleted node is as if it had never been, its data included', async () => {
    const [node, stopped] = await Promise.all([bed.createNode(), bed.createNode()]);
    const redis = of(node);
    await redis.set('k', 'v');
    await stop(stopped.nodeId);
    await bed.until(stopped.nodeId, 'stopped');
    await Promise.all([remove(node.nodeId), remove(stopped.nodeId)]);
    await Promise.all([bed.until(node.nodeId, 'deleted'), bed.until(stopped.nodeId, 'deleted')]);
    await vi.waitFor(() => expect(redis.status).toBe('end'));
    for (const gone of [node, stopped]) {
      expect(await loginError(gone)).toBe('-WRONGPASS invalid username-password pair or user is disabled.');
    }
    expect(await reports(node.nodeId)).toEqual(['NodeStarted', 'NodeDeleted']);
  });

  test('stop and delete overtake each other without leaving anything half done', async () => {
    const nodes = await Promise.all(Array.from({ length: 20 }, () => bed.createNode({}, { wait: false })));
    await Promise.all(
      nodes.map(async ({ nodeId }, n) => {
        if (n % 2 === 0) await stop(nodeId);
        await remove(nodeId);
      }),
    );
    await Promise.all(nodes.map(({ nodeId }) => bed.until(nodeId, 'deleted')));
    const hosted = (await role.readiness()).detail['nodes'];
    expect(typeof hosted).toBe('number');
    for (const { nodeId } of nodes) expect((await reports(nodeId)).at(-1)).toBe('NodeDeleted');
  });
});

describe('a manager that was away', () => {
  test('serves running nodes again without any new event, and completes what was asked meanwhile', async () => {
    const [running, toStop, toDelete, stopped] = await Promise.all([
      bed.createNode({ durability: 'always' }),
      bed.createNode(),
      bed.createNode(),
      bed.createNode(),
    ]);
    const everyone = [running, toStop, toDelete, stopped];
    await Promise.all(everyone.map((node) => of(node).mset('a', '1', 'b', '2')));
    await stop(stopped.nodeId);
    await bed.until(stopped.nodeId, 'stopped');
    closeClients();
    await role.stop();
    await expect(connectRaw(bed.port)).rejects.toThrow(/ECONNREFUSED/);

    await stop(toStop.nodeId);
    await remove(toDelete.nodeId);
    await startNode(stopped.nodeId);
    const created = await bed.createNode({}, { wait: false });
    const head = (await bed.eventLog.readStream(nodeStream(running.nodeId))).length;
    await start();

    expect(await of(running).mget('a', 'b')).toEqual(['1', '2']);
    await bed.until(toStop.nodeId, 'stopped');
    await bed.until(toDelete.nodeId, 'deleted');
    await bed.until(stopped.nodeId, 'running');
    await bed.until(created.nodeId, 'running');
    expect(await of(stopped).mget('a', 'b')).toEqual(['1', '2']);
    expect(await of(created).dbsize()).toBe(0);
    expect(await bed.eventLog.readStream(nodeStream(running.nodeId))).toHaveLength(head);
    expect(await reports(stopped.nodeId)).toEqual(['NodeStarted', 'NodeStopped', 'NodeStarted']);
  });

  test('and is registered once for every place it was at', async () => {
    const events = await bed.eventLog.readStream('manager-manager-1');
    expect(events.map(({ type }) => type)).toEqual(['ManagerRegistered']);
    expect(events[0]?.data).toMatchObject({ managerId: 'manager-1', host: '127.0.0.1', respPort: bed.port });
  });
});
