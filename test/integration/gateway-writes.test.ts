import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { BackupCommand } from '#domains/backup/commands.ts';
import { backupDecider } from '#domains/backup/decider.ts';
import { backupStream } from '#domains/backup/events.ts';
import { BackupId } from '#domains/kernel/ids.ts';
import { step } from '#infra/commands/step.ts';

import { type GatewayBed, openGatewayBed } from './gateway-bed.ts';

let bed: GatewayBed;
beforeAll(async () => {
  bed = await openGatewayBed();
});
afterAll(() => bed.close());

let count = 0;
const unique = (what: string) => `${what}-${(count += 1)}`;

async function newTenant(): Promise<string> {
  const { status, body } = await bed.operator('POST', '/v1/tenants', { name: unique('Tenant') });
  expect(status).toBe(201);
  return body.id as string;
}

async function newNode(tenantId: string, more: object = {}) {
  const answer = await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, {
    name: unique('node'),
    memoryLimitMb: 16,
    ...more,
  });
  expect(answer.body).toMatchObject({ state: 'running' });
  expect(answer.status).toBe(201);
  return answer;
}

describe('tenants', () => {
  test('a tenant is created, read, suspended, resumed and deleted; each reply looks like a GET', async () => {
    const created = await bed.operator('POST', '/v1/tenants', { name: 'Acme', plan: 'standard' });
    expect(created.status).toBe(201);
    expect(created.headers['location']).toBe(`/v1/tenants/${created.body.id}`);
    expect(created.headers['etag']).toBe('"0"');
    const path = `/v1/tenants/${created.body.id}`;
    const read = await bed.operator('GET', path);
    expect(read.body).toEqual(created.body);
    expect(read.body).toMatchObject({ name: 'Acme', plan: 'standard', state: 'active', version: 0 });

    const suspended = await bed.operator('POST', `${path}/suspend`, { reason: 'unpaid' });
    expect(suspended).toMatchObject({ status: 200, body: { state: 'suspended', version: 1 } });
    expect((await bed.operator('GET', path)).body).toEqual(suspended.body);
    expect((await bed.operator('POST', `${path}/suspend`)).body).toMatchObject({ code: 'illegal_transition' });
    expect((await bed.operator('POST', `${path}/resume`)).body).toMatchObject({ state: 'active' });

    const taken = await bed.operator('POST', '/v1/tenants', { name: ' ACME ' });
    expect(taken).toMatchObject({ status: 409, body: { code: 'name_taken' } });
    expect(await bed.operator('DELETE', path)).toMatchObject({ status: 200, body: { state: 'deleted' } });
    expect(await bed.operator('GET', path)).toMatchObject({ status: 200, body: { state: 'deleted' } });
    expect((await bed.operator('DELETE', path)).body).toMatchObject({ status: 404, code: 'not_found' });
    expect((await bed.operator('POST', '/v1/tenants', { name: 'Acme' })).status).toBe(201);
  });
});

describe('nodes', () => {
  test('a node runs when its creation is answered, and its password is shown once', async () => {
    const tenantId = await newTenant();
    const { body, headers } = await newNode(tenantId, { evictionPolicy: 'allkeys-lru', durability: 'always' });
    expect(body).toMatchObject({ tenantId, evictionPolicy: 'allkeys-lru', durability: 'always', replicas: 0 });
    expect(body.endpoint).toMatchObject({ host: '127.0.0.1', port: 6001, username: body.id });
    expect(body.endpoint.password).toMatch(new RegExp(`^${body.id}\\.[A-Za-z0-9_-]{43}$`));
    expect(body.endpoint.url).toBe(`redis://${body.id}:${body.endpoint.password}@127.0.0.1:6001`);
    expect(headers['location']).toBe(`/v1/nodes/${body.id}`);
    expect(headers['cache-control']).toBe('no-store');
    const { password: _password, url: _url, ...endpoint } = body.endpoint;
    const shown = { ...body, endpoint };
    const read = await bed.operator('GET', `/v1/nodes/${body.id}`);
    expect(read.body).toEqual(shown);
    expect(read.headers['etag']).toBe(headers['etag']);
    expect(read.text).not.toContain('password');
  });

  test('stop, start, resize, rotate and delete, each with its effect in the reply', async () => {
    const tenantId = await newTenant();
    const { body } = await newNode(tenantId, { name: 'cache' });
    const path = `/v1/nodes/${body.id}`;
    expect(await bed.operator('POST', `${path}/stop`, {})).toMatchObject({ status: 200, body: { state: 'stopped' } });
    expect((await bed.operator('POST', `${path}/stop`)).body).toMatchObject({
      status: 409,
      code: 'illegal_transition',
    });
    expect((await bed.operator('POST', `${path}/backups`)).body).toMatchObject({ code: 'node_not_running' });
    expect(await bed.operator('POST', `${path}/start`)).toMatchObject({ status: 200, body: { state: 'running' } });
    const resized = await bed.operator('POST', `${path}/resize`, { memoryLimitMb: 32 });
    expect(resized).toMatchObject({ status: 200, body: { memoryLimitMb: 32 } });
    const rotated = await bed.operator('POST', `${path}/rotate-credentials`);
    expect(rotated.body.endpoint.password).toMatch(/^node_/);
    expect(rotated.body.endpoint.password).not.toBe(body.endpoint.password);
    expect(await bed.operator('POST', `${path}/failover`)).toMatchObject({
      status: 422,
      body: { code: 'not_available_yet' },
    });
    expect(await bed.operator('DELETE', path)).toMatchObject({ status: 200, body: { state: 'deleted' } });
    expect(await bed.operator('GET', path)).toMatchObject({ status: 200, body: { state: 'deleted' } });
    expect((await bed.operator('GET', `/v1/nodes?tenantId=${tenantId}`)).body.items).toEqual([]);
    await newNode(tenantId, { name: 'cache' });
  });

  test('a stopped node of a suspended tenant is not started', async () => {
    const tenantId = await newTenant();
    const { body: node } = await newNode(tenantId);
    await bed.operator('POST', `/v1/nodes/${node.id}/stop`);
    await bed.operator('POST', `/v1/tenants/${tenantId}/suspend`);
    for (const [path, body] of [
      [`/v1/nodes/${node.id}/start`, {}],
      [`/v1/tenants/${tenantId}/nodes`, { name: 'x', memoryLimitMb: 1 }],
    ] as const) {
      const refused = await bed.operator('POST', path, body);
      expect(refused).toMatchObject({ status: 409, body: { code: 'tenant_not_active' } });
    }
    await bed.operator('POST', `/v1/tenants/${tenantId}/resume`);
    expect((await bed.operator('POST', `/v1/nodes/${node.id}/start`)).status).toBe(200);
  });

  test('while the manager is busy the reply is 202 with an operation that can be followed', async () => {
    const tenantId = await newTenant();
    bed.manager.busy = true;
    const made = await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, { name: 'late', memoryLimitMb: 1 });
    bed.manager.busy = false;
    expect(made.status).toBe(202);
    expect(made.body).toMatchObject({ state: 'provisioning', operation: { kind: 'node.create', state: 'running' } });
    expect(made.body.endpoint.password).toBeTypeOf('string');
    const operation = await bed.operator('GET', `/v1/operations/${made.body.operation.id}`);
    expect(operation.body).toEqual(made.body.operation);
  });

  test('what is not built yet is refused and not accepted and ignored', async () => {
    const tenantId = await newTenant();
    for (const option of [{ replicas: 1 }, { durability: 'quorum' }, { engine: 'dedicated' }]) {
      const refused = await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, {
        name: 'x',
        memoryLimitMb: 1,
        ...option,
      });
      expect(refused).toMatchObject({ status: 422, body: { code: 'not_available_yet' } });
    }
    await newNode(tenantId, { name: 'x' });
  });

  test('of many who want one name at once, one gets it; and no node is created without its name', async () => {
    const tenantId = await newTenant();
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, { name: 'wanted', memoryLimitMb: 1 }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const { status, body } of answers) {
      if (status !== 201) expect(['name_taken', 'concurrent_change']).toContain(body.code);
    }
    expect((await bed.operator('GET', `/v1/nodes?tenantId=${tenantId}`)).body.items).toHaveLength(1);
  });
});

describe('backups and restores', () => {
  test('a backup is asked for, carried out, listed, restored to a new node and in place, and deleted', async () => {
    const tenantId = await newTenant();
    const { body: node } = await newNode(tenantId, { memoryLimitMb: 24, evictionPolicy: 'volatile-ttl' });
    const asked = await bed.operator('POST', `/v1/nodes/${node.id}/backups`);
    expect(asked).toMatchObject({
      status: 202,
      body: { nodeId: node.id, tenantId, nodeName: node.name, state: 'requested', operation: { state: 'pending' } },
    });
    const { operation: _operation, ...shown } = asked.body;
    const path = `/v1/backups/${shown.id}`;
    expect((await bed.operator('GET', path)).body).toEqual(shown);
    expect((await bed.operator('POST', `${path}/restore`, { name: 'early' })).body).toMatchObject({
      status: 409,
      code: 'backup_not_restorable',
    });
    expect((await bed.operator('DELETE', path)).body).toMatchObject({ code: 'illegal_transition' });

    await completeBackup(shown.id);
    expect((await bed.operator('GET', `/v1/backups?nodeId=${node.id}`)).body.items).toMatchObject([
      { id: shown.id, state: 'verified', keys: 3, bytes: 100 },
    ]);
    expect((await bed.operator('GET', `/v1/operations/${shown.operationId}`)).body).toMatchObject({
      kind: 'backup',
      state: 'succeeded',
      percent: 100,
    });

    const restored = await bed.operator('POST', `${path}/restore`, { name: 'again', memoryLimitMb: 48 });
    expect(restored).toMatchObject({
      status: 202,
      body: {
        name: 'again',
        memoryLimitMb: 48,
        evictionPolicy: 'volatile-ttl',
        state: 'provisioning',
        operation: { kind: 'restore', state: 'pending', target: { kind: 'node' } },
      },
    });
    expect(restored.body.endpoint.password).toMatch(new RegExp(`^${restored.body.id}\\.`));
    expect(restored.body.operation.target.id).toBe(restored.body.id);
    expect((await bed.operator('GET', `/v1/operations/${restored.body.operation.id}`)).body).toEqual(
      restored.body.operation,
    );

    const inPlace = await bed.operator('POST', `${path}/restore`, { nodeId: node.id });
    expect(inPlace).toMatchObject({ status: 202, body: { id: node.id, operation: { kind: 'restore' } } });
    expect(inPlace.text).not.toContain('password');
    const neither = await bed.operator('POST', `${path}/restore`, {});
    const both = await bed.operator('POST', `${path}/restore`, { name: 'x', nodeId: node.id });
    const resizing = await bed.operator('POST', `${path}/restore`, { nodeId: node.id, memoryLimitMb: 1 });
    for (const answer of [neither, both, resizing]) {
      expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    }
    expect(await bed.operator('DELETE', path)).toMatchObject({ status: 200, body: { state: 'deleted' } });
    expect((await bed.operator('GET', `/v1/backups?nodeId=${node.id}`)).body.items).toEqual([]);
  });

  test('a backup is not restored into a node of another tenant, not even by an operator', async () => {
    const [mine, others] = [await newTenant(), await newTenant()];
    const { body: node } = await newNode(mine);
    const { body: foreign } = await newNode(others);
    const { body: backup } = await bed.operator('POST', `/v1/nodes/${node.id}/backups`);
    await completeBackup(backup.id);
    const refused = await bed.operator('POST', `/v1/backups/${backup.id}/restore`, { nodeId: foreign.id });
    expect(refused).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});

async function completeBackup(id: string): Promise<void> {
  const backupId = BackupId.parse(id);
  const content = { objectKey: `backups/${id}.rdb`, sha256: 'a'.repeat(64), bytes: 100, keys: 3, digest: 'd' };
  const on = (command: BackupCommand) => step({ stream: backupStream(backupId), decider: backupDecider, command });
  await bed.decide(
    on({ type: 'ReportBackupStarted', data: { backupId } }),
    on({ type: 'ReportBackupCompleted', data: { backupId, ...content } }),
    on({ type: 'ReportBackupVerified', data: { backupId } }),
  );
}

describe('API keys', () => {
  test('a key is shown once, works at once, and is worth nothing once its revocation is acknowledged', async () => {
    const tenantId = await newTenant();
    const made = await bed.operator('POST', '/v1/api-keys', { name: 'ci', role: 'tenant-admin', tenantId });
    expect(made).toMatchObject({ status: 201, body: { name: 'ci', role: 'tenant-admin', tenantId, state: 'active' } });
    expect(made.body.key).toMatch(new RegExp(`^mr_${made.body.id}_[A-Za-z0-9_-]{43}$`));
    const admin = bed.client(made.body.key);
    expect((await admin('GET', '/v1/tenants')).body.items).toMatchObject([{ id: tenantId }]);
    const { key: _key, ...shown } = made.body;
    expect((await admin('GET', `/v1/api-keys/${made.body.id}`)).body).toEqual(shown);
    expect((await admin('GET', '/v1/api-keys')).body).toEqual({ items: [shown], nextCursor: null });

    expect(await bed.operator('DELETE', `/v1/api-keys/${made.body.id}`)).toMatchObject({
      status: 200,
      body: { state: 'revoked' },
    });
    expect(await admin('GET', '/v1/tenants')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect((await bed.operator('DELETE', `/v1/api-keys/${made.body.id}`)).body).toMatchObject({ code: 'not_found' });
  });

  test('the keys of a deleted tenant stop working with it', async () => {
    const tenantId = await newTenant();
    const admin = bed.client(await bed.keyOf('tenant-admin', tenantId));
    expect((await admin('GET', '/v1/tenants')).status).toBe(200);
    await bed.operator('DELETE', `/v1/tenants/${tenantId}`);
    expect((await admin('GET', '/v1/tenants')).status).toBe(401);
  });

  test('nobody makes a key with more scope than their own, nor for a tenant that is not there', async () => {
    const tenantId = await newTenant();
    const admin = bed.client(await bed.keyOf('tenant-admin', tenantId));
    expect((await admin('POST', '/v1/api-keys', { role: 'tenant-developer' })).body).toMatchObject({ tenantId });
    expect(await admin('POST', '/v1/api-keys', { role: 'operator' })).toMatchObject({ status: 403 });
    expect(await admin('POST', '/v1/api-keys', { role: 'auditor', tenantId: null })).toMatchObject({ status: 403 });
    expect(await admin('POST', '/v1/api-keys', { role: 'operator', tenantId })).toMatchObject({
      status: 422,
      body: { code: 'role_scope_mismatch' },
    });
    const other = await newTenant();
    expect(await admin('POST', '/v1/api-keys', { role: 'auditor', tenantId: other })).toMatchObject({ status: 404 });
    await bed.operator('DELETE', `/v1/tenants/${other}`);
    const late = await bed.operator('POST', '/v1/api-keys', { role: 'auditor', tenantId: other });
    expect(late).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('the last operator key stays, also when two operators revoke each other at the same moment', async () => {
    const lonely = await openGatewayBed();
    try {
      const idOf = (key: string) => key.slice(3, 33);
      const refused = await lonely.operator('DELETE', `/v1/api-keys/${idOf(lonely.operatorKey)}`);
      expect(refused).toMatchObject({ status: 409, body: { code: 'illegal_transition' } });
      const second = await lonely.keyOf('operator', null);
      const answers = await Promise.all([
        lonely.operator('DELETE', `/v1/api-keys/${idOf(second)}`),
        lonely.client(second)('DELETE', `/v1/api-keys/${idOf(lonely.operatorKey)}`),
      ]);
      expect(answers.map(({ status }) => status)).not.toEqual([200, 200]);
      const alive = await Promise.all(
        [lonely.operatorKey, second].map((key) => lonely.client(key)('GET', '/v1/tenants')),
      );
      expect(alive.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    } finally {
      await lonely.close();
    }
  });
});

test('memory is promised once: of many who race for the last room, only as many get it as fit', async () => {
  const small = await openGatewayBed({ memoryBudgetMb: 100 });
  try {
    const { body: tenant } = await small.operator('POST', '/v1/tenants', { name: 'small' });
    const create = (name: string) =>
      small.operator('POST', `/v1/tenants/${tenant.id}/nodes`, { name, memoryLimitMb: 30 });
    const answers = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(create));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    for (const { status, body } of answers) {
      if (status !== 201) expect(body).toMatchObject({ status: 507, code: 'insufficient_capacity' });
    }
    const [first] = answers.filter(({ status }) => status === 201);
    const grown = await small.operator('POST', `/v1/nodes/${first?.body.id}/resize`, { memoryLimitMb: 60 });
    expect(grown).toMatchObject({ status: 507 });
    await small.operator('DELETE', `/v1/nodes/${first?.body.id}`);
    expect(await create('g')).toMatchObject({ status: 201 });
  } finally {
    await small.close();
  }
});
