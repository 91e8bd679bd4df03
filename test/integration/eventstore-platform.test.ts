/** The platform with its log in EventStoreDB: commands through the gateway, read models in PostgreSQL, the past, the history, the audit. */
import { startTestServer, type TestServer } from '#infra/event-log/eventstore/testing/server/start.ts';
import { verify } from '#projections/kernel/verify.ts';
import { allViews } from '#projections/views.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openGatewayBed, type GatewayBed } from './gateway-bed.ts';

let server: TestServer | undefined;
let bed: GatewayBed;

beforeAll(async () => {
  const real = process.env['EVENTSTORE_URL'] ?? '';
  server = real === '' ? await startTestServer() : undefined;
  bed = await openGatewayBed({ eventStoreUrl: server?.url ?? real });
});
afterAll(async () => {
  await bed.close();
  await server?.close();
});

async function tenantWithNode(name: string) {
  const tenant = await bed.operator('POST', '/v1/tenants', { name });
  expect(tenant.status).toBe(201);
  const tenantId: string = tenant.body.id;
  const node = await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, { name: 'cache', memoryLimitMb: 16 });
  expect([201, 202]).toContain(node.status);
  const nodeId: string = node.body.id;
  return { tenantId, nodeId, born: String(tenant.headers['x-miniredis-position']) };
}

const unique = () => crypto.randomUUID().slice(0, 8);

test('a tenant and a node are made, changed and deleted; every read sees every write before it', async () => {
  const { tenantId, nodeId } = await tenantWithNode(`Acme ${unique()}`);
  const path = `/v1/nodes/${nodeId}`;
  expect((await bed.operator('GET', path)).body).toMatchObject({ id: nodeId, tenantId, name: 'cache' });
  const resized = await bed.operator('POST', `${path}/resize`, { memoryLimitMb: 32 });
  expect(resized.body).toMatchObject({ memoryLimitMb: 32 });
  expect((await bed.operator('GET', path)).body).toMatchObject({ memoryLimitMb: 32 });
  const again = await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, { name: 'cache', memoryLimitMb: 1 });
  expect(again).toMatchObject({ status: 409, body: { code: 'name_taken' } });
  await bed.operator('DELETE', path);
  expect((await bed.operator('GET', `/v1/nodes?tenantId=${tenantId}`)).body.items).toEqual([]);
});

test('a command is handled once, at whatever moment it is repeated', async () => {
  const headers = { 'idempotency-key': crypto.randomUUID() };
  const name = `Once ${unique()}`;
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => bed.operator('POST', '/v1/tenants', { name }, headers)),
  );
  expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
  const later = await bed.operator('POST', '/v1/tenants', { name }, headers);
  expect(later.body).toEqual(answers[0]?.body);
  expect(later.headers['x-miniredis-position']).toBe(answers[0]?.headers['x-miniredis-position']);
  const other = await bed.operator('POST', '/v1/tenants', { name: 'Another body' }, headers);
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
});

test('one name at the same moment is given away once', async () => {
  const name = `Wanted ${unique()}`;
  const answers = await Promise.all(Array.from({ length: 6 }, () => bed.operator('POST', '/v1/tenants', { name })));
  expect(answers.filter(({ status }) => status === 201).length).toBe(1);
  expect(answers.filter(({ body }) => body.code === 'name_taken').length).toBe(5);
});

test('the past is there by position and by time', async () => {
  const { tenantId, nodeId, born } = await tenantWithNode(`Past ${unique()}`);
  const before = (await bed.operator('GET', `/v1/nodes/${nodeId}`)).body;
  const head = String(await bed.log.head());
  const then = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await bed.operator('POST', `/v1/nodes/${nodeId}/resize`, { memoryLimitMb: 9 });
  for (const at of [head, then]) {
    expect((await bed.operator('GET', `/v1/nodes/${nodeId}?at=${at}`)).body).toMatchObject({
      memoryLimitMb: before.memoryLimitMb,
    });
  }
  expect((await bed.operator('GET', `/v1/nodes/${nodeId}?at=${born}`)).status).toBe(404);
  expect((await bed.operator('GET', `/v1/tenants/${tenantId}?at=${born}`)).status).toBe(200);
});

test('the history is told from any position, and the audit knows every command', async () => {
  const { tenantId } = await tenantWithNode(`History ${unique()}`);
  await bed.operator('POST', `/v1/tenants/${tenantId}/suspend`);
  await bed.operator('POST', `/v1/tenants/${tenantId}/suspend`);
  const { text } = await bed.operator('GET', `/v1/events?tenantId=${tenantId}&category=tenant`);
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { position: number; type: string });
  expect(lines.map(({ type }) => type)).toEqual(['TenantCreated', 'TenantSuspended']);
  const from = lines[1]?.position ?? 0;
  const rest = await bed.operator('GET', `/v1/events?tenantId=${tenantId}&category=tenant&from=${from}`);
  expect(rest.text.trim().split('\n').length).toBe(1);
  const { body } = await bed.operator('GET', `/v1/audit?tenantId=${tenantId}`);
  const outcomes = (body.items as { action: string; outcome: string }[]).map(
    ({ action, outcome }) => `${action} ${outcome}`,
  );
  expect(outcomes).toContain('SuspendTenant accepted');
  expect(outcomes).toContain('SuspendTenant rejected');
});

test('every read model is what the log says', async () => {
  for (const view of allViews) {
    expect(await verify(bed.log, bed.pool, view, { progress: () => {} }), view.name).toMatchObject({ same: true });
  }
});
