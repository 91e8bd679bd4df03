import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { nodeName, reserve } from '#gateway/names.ts';
import { loadState } from '#infra/commands/execute.ts';
import { newId } from '#infra/crypto/ids.ts';
import { temporalClient } from '#infra/temporal/client.ts';
import { platformClient } from '#infra/redis/platform-client.ts';
import { getBackup } from '#projections/backups/queries.ts';
import { startWorkflows } from '#workers/workflows/start.ts';
import { Connection, WorkflowClient } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';

import { startNodeDouble, type NodeDouble } from './node-double.ts';
import { testTemporal, type TestTemporal } from './temporal-server.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';
import { openWorkflowBed, type WorkflowBed } from './workflow-bed.ts';

let temporal: TestTemporal;
let bed: WorkflowBed;
let double: NodeDouble;
let worker: WorkerProcess | undefined;

beforeAll(async () => {
  temporal = await testTemporal();
  await temporal.start();
}, 590_000);
afterAll(() => temporal.remove());

beforeEach(async () => {
  bed = await openWorkflowBed(temporal);
  double = await startNodeDouble(bed.objects);
  await bed.registerManager(double.port);
});
afterEach(async () => {
  await worker?.kill();
  worker = undefined;
  await double.close();
  await bed.close();
});

const startWorker = async () => (worker = await startWorkerProcess('backup', bed.config));
const failed = (reason: RegExp) => ({ state: 'failed', error: { detail: expect.stringMatching(reason) as string } });

async function madeBackup(content: string) {
  const nodeId = await bed.createNode();
  double.data.set(nodeId, content);
  const { backupId, operationId } = await bed.requestBackup(nodeId);
  expect(await bed.ended(operationId)).toMatchObject({ state: 'succeeded', percent: 100 });
  return { nodeId, backupId, key: (await bed.storedKeys())[0] ?? '' };
}

async function damage(key: string) {
  const file = path.join(fileURLToPath(bed.config.objectStoreUrl), key);
  const content = await readFile(file);
  content[0] = (content[0] ?? 0) ^ 1;
  await writeFile(file, content);
}

test('a backup is stored, catalogued and verified, and goes with its object when it is deleted', async () => {
  await startWorker();
  const { nodeId, backupId, key } = await madeBackup('x'.repeat(100_000));
  const backup = await getBackup(bed.access.pool, backupId);
  expect(backup).toMatchObject({ state: 'verified', bytes: 100_000, keys: 100_000, objectKey: key });
  expect(key).toMatch(new RegExp(`^backups/${bed.tenantId}/${nodeId}/${backupId}\\.[0-9a-f]{8}\\.rdb$`));
  const { metadata } = (await bed.access.log.readStream(`backup-${backupId}`)).at(-1) ?? {};
  expect(metadata).toMatchObject({ actor: { kind: 'system', id: 'workflow/backup' }, tenantId: bed.tenantId });
  await bed.deleteBackup(backupId);
  await vi.waitFor(async () => expect(await bed.storedKeys()).toEqual([]), 10_000);
}, 60_000);

test('what is asked for while Temporal and the worker are down is carried out when they are there', async () => {
  await temporal.stop();
  const nodeId = await bed.createNode();
  double.data.set(nodeId, 'content');
  const { operationId } = await bed.requestBackup(nodeId);
  const first = await startWorker();
  expect(await first.readiness()).toMatchObject({ ready: true, detail: { temporal: { state: 'connecting' } } });
  expect(await bed.operation(operationId)).toMatchObject({ state: 'pending' });
  await temporal.start();
  expect(await bed.ended(operationId)).toMatchObject({ state: 'succeeded' });
}, 90_000);

test('a worker killed in the middle of a snapshot is missed within seconds, and the next one finishes the backup', async () => {
  const nodeId = await bed.createNode();
  double.data.set(nodeId, 'content');
  const { promise: taken, resolve: take } = Promise.withResolvers<void>();
  let first = true;
  double.before = async (verb, connection) => {
    if (verb !== 'SNAPSHOT' || !first) return null;
    first = false;
    take();
    await new Promise((resolve) => connection.addEventListener('abort', resolve));
    return null;
  };
  const { operationId } = await bed.requestBackup(nodeId);
  const victim = await startWorker();
  await taken;
  await victim.kill();
  const killedAt = performance.now();
  expect(await bed.operation(operationId)).toMatchObject({ state: 'running', percent: 10 });
  await startWorker();
  expect(await bed.ended(operationId)).toMatchObject({ state: 'succeeded' });
  expect(performance.now() - killedAt).toBeLessThan(25_000);
  // The snapshot of the dead attempt was published all the same; it is no part of the backup and does not stay.
  await vi.waitFor(async () => expect(await bed.storedKeys()).toHaveLength(1), 10_000);
  expect(double.received.filter((command) => command.startsWith('SNAPSHOT'))).toHaveLength(2);
}, 90_000);

test("with Temporal's databases dropped in the middle of a backup the operation still ends", async () => {
  const nodeId = await bed.createNode();
  double.data.set(nodeId, 'content');
  const { promise: taken, resolve: take } = Promise.withResolvers<void>();
  let first = true;
  double.before = async (verb, connection) => {
    if (verb !== 'SNAPSHOT' || !first) return null;
    first = false;
    take();
    await new Promise((resolve) => connection.addEventListener('abort', resolve));
    return 'SNAPSHOT interrupted';
  };
  const { operationId } = await bed.requestBackup(nodeId);
  await startWorker();
  await taken;
  await temporal.loseDatabases();
  expect(await bed.ended(operationId)).toMatchObject({ state: 'succeeded' });
  expect(await bed.storedKeys()).toHaveLength(1);
}, 120_000);

test('a stop drains: the worker ends in time, and what it was doing is finished by the next one', async () => {
  const nodeId = await bed.createNode();
  let hold = true;
  const { promise: taken, resolve: take } = Promise.withResolvers<void>();
  double.before = async (_verb, connection) => {
    if (!hold) return null;
    take();
    await new Promise((resolve) => connection.addEventListener('abort', resolve));
    return 'SNAPSHOT interrupted';
  };
  const { operationId } = await bed.requestBackup(nodeId);
  const stopped = await startWorker();
  await taken;
  const began = performance.now();
  expect(await stopped.stop()).toBe(0);
  expect(performance.now() - began).toBeLessThan(8000);
  hold = false;
  await startWorker();
  expect(await bed.ended(operationId)).toMatchObject({ state: 'succeeded' });
}, 90_000);

test('a backup whose object turns out different fails, says why, and leaves nothing', async () => {
  let damaged = false;
  double.before = async (verb) => {
    if (verb !== 'VERIFY' || damaged) return null;
    damaged = true;
    await Promise.all((await bed.storedKeys()).map(damage));
    return null;
  };
  const nodeId = await bed.createNode();
  double.data.set(nodeId, 'content');
  const { operationId, backupId } = await bed.requestBackup(nodeId);
  await startWorker();
  expect(await bed.ended(operationId)).toMatchObject(failed(/^the object has another SHA-256$/));
  expect(await getBackup(bed.access.pool, backupId)).toMatchObject({ state: 'failed' });
  expect(await bed.storedKeys()).toEqual([]);
}, 60_000);

test('a node deleted meanwhile fails the backup at once; a manager that is away is waited for', async () => {
  await startWorker();
  const gone = await bed.createNode();
  await bed.deleteNode(gone);
  expect(await bed.ended((await bed.requestBackup(gone)).operationId, 15_000)).toMatchObject(
    failed(/The node was deleted/),
  );

  const nodeId = await bed.createNode();
  const { port } = double;
  await double.close();
  const { operationId } = await bed.requestBackup(nodeId);
  await vi.waitFor(async () => expect(await bed.operation(operationId)).toMatchObject({ state: 'running' }), 15_000);
  double = await startNodeDouble(bed.objects);
  expect(double.port).not.toBe(port);
  await bed.registerManager(double.port);
  expect(await bed.ended(operationId)).toMatchObject({ state: 'succeeded' });
}, 90_000);

test('a backup is restored into a new node and in place', async () => {
  await startWorker();
  const { nodeId, backupId } = await madeBackup('the content');
  const fresh = await bed.createNode({ restoreFrom: backupId });
  expect(await bed.ended(await bed.requestRestore(backupId, fresh, false))).toMatchObject({ state: 'succeeded' });
  expect(double.data.get(fresh)).toBe('the content');

  double.data.set(nodeId, 'spoiled');
  expect(await bed.ended(await bed.requestRestore(backupId, nodeId, true))).toMatchObject({ state: 'succeeded' });
  expect(double.data.get(nodeId)).toBe('the content');
}, 60_000);

test('restoring a damaged object fails with its reason: in place the data stays, a new node goes with its name', async () => {
  await startWorker();
  const { nodeId, backupId, key } = await madeBackup('the content');
  await damage(key);
  double.data.set(nodeId, 'newer');
  const inPlace = await bed.ended(await bed.requestRestore(backupId, nodeId, true));
  expect(inPlace).toMatchObject(failed(/another SHA-256.*The node's data is as it was before\./));
  expect(double.data.get(nodeId)).toBe('newer');
  expect(double.received.some((command) => command.startsWith('RESTORE'))).toBe(false);

  const fresh = await bed.createNode({ restoreFrom: backupId });
  const { state: before } = await loadState(bed.access.log, nodeStream(fresh), nodeDecider);
  const outcome = await bed.ended(await bed.requestRestore(backupId, fresh, false));
  expect(outcome).toMatchObject(failed(/another SHA-256.*The new node was removed\./));
  const { state } = await loadState(bed.access.log, nodeStream(fresh), nodeDecider);
  expect(state.status).toBe('deleting');
  const name = nodeName(bed.access.masterKey, bed.tenantId, before.settings?.name ?? '');
  await bed.decide(reserve(name, newId('node')));
}, 60_000);

test('an operation that nothing carries out is given up in the end, compensated and with its reason', async () => {
  const nobody = { address: '127.0.0.1:1', namespace: temporal.namespace, taskQueue: 'nobody' };
  const backedUp = await bed.createNode();
  const { operationId, backupId } = await bed.requestBackup(backedUp);
  await bed.objects.put(
    `backups/${bed.tenantId}/${backedUp}/${backupId}.0badcafe.rdb`,
    (async function* () {
      yield Buffer.from('of an attempt that died');
    })(),
  );
  const fresh = await bed.createNode({ restoreFrom: backupId });
  const restoreId = await bed.requestRestore(backupId, fresh, false);

  const client = temporalClient(nobody);
  const { log, masterKey, pool } = bed.access;
  const workflows = startWorkflows({
    ...nobody,
    parts: { log, masterKey, objects: bed.objects, platform: platformClient(() => '') },
    pool,
    temporal: client,
    logger: pino({ level: 'silent' }),
    times: { every_ms: 100, grace_ms: 0, limit_ms: 1000, restartMax_ms: 1000 },
  });
  try {
    expect(await bed.ended(operationId)).toMatchObject(
      failed(/^Temporal, which carries out backups and restores, has been away/),
    );
    expect(await bed.storedKeys()).toEqual([]);
    expect(await bed.ended(restoreId)).toMatchObject(failed(/The new node was removed\.$/));
    expect((await loadState(log, nodeStream(fresh), nodeDecider)).state.status).toBe('deleting');
  } finally {
    await workflows.stop();
    await client.close();
  }
}, 90_000);

test('a workflow that somebody terminated is started again, and the operation ends well', async () => {
  const nodeId = await bed.createNode();
  double.data.set(nodeId, 'content');
  let first = true;
  const { promise: taken, resolve: take } = Promise.withResolvers<void>();
  double.before = async (verb, connection) => {
    if (verb !== 'SNAPSHOT' || !first) return null;
    first = false;
    take();
    await new Promise((resolve) => connection.addEventListener('abort', resolve));
    return 'SNAPSHOT interrupted';
  };
  const { operationId } = await bed.requestBackup(nodeId);
  await startWorker();
  await taken;
  const connection = await Connection.connect({ address: temporal.address });
  const client = new WorkflowClient({ connection, namespace: temporal.namespace });
  await client.getHandle(operationId).terminate('by a test');
  await connection.close();
  expect(await bed.ended(operationId)).toMatchObject({ state: 'succeeded' });
}, 90_000);
