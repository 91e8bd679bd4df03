import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import { openPostgresEventLog } from '#infra/event-log/postgres/log.ts';
import { verify } from '#projections/kernel/verify.ts';
import { rebuild } from '#projections/kernel/rebuild.ts';
import { allViews } from '#projections/views.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type GatewayBed, openGatewayBed } from './gateway-bed.ts';

let bed: GatewayBed;
beforeAll(async () => {
  bed = await openGatewayBed();
});
afterAll(() => bed.close());

const address = { 'x-test': '1' };

/** A deleted tenant with a name, and a revoked key that acted from an address. */
async function outOfUse(name: string) {
  const { body: tenant } = await bed.operator('POST', '/v1/tenants', { name });
  const { body: made } = await bed.operator('POST', '/v1/api-keys', {
    name: `${name}'s key`,
    role: 'tenant-admin',
    tenantId: tenant.id,
  });
  await bed.client(made.key)('POST', '/v1/api-keys', { name: 'other', role: 'auditor' }, address);
  const at = String(await bed.log.head());
  expect((await erase(tenant.id)).body).toMatchObject({ status: 409, code: 'illegal_transition' });
  expect((await erase(made.id)).body).toMatchObject({ status: 409, code: 'illegal_transition' });
  await bed.operator('DELETE', `/v1/api-keys/${made.id}`);
  await bed.operator('DELETE', `/v1/tenants/${tenant.id}`);
  return { tenantId: tenant.id as string, keyId: made.id as string, at };
}

const erase = (subject: string) => bed.operator('POST', `/v1/subjects/${subject}/erase`);

/** The log as text, decoded as far as it can be. */
async function history(): Promise<string> {
  return (await bed.operator('GET', '/v1/events?from=1')).text;
}

/** All that the API shows of a tenant and its key, as text. */
async function shown({ tenantId, keyId, at }: { tenantId: string; keyId: string; at: string }): Promise<string> {
  const texts: string[] = [];
  for (const path of [
    `/v1/tenants/${tenantId}`,
    `/v1/tenants/${tenantId}?at=${at}`,
    `/v1/tenants?at=${at}&limit=200`,
    `/v1/api-keys/${keyId}`,
    `/v1/api-keys/${keyId}?at=${at}`,
    `/v1/audit?limit=200`,
  ]) {
    texts.push((await bed.operator('GET', path)).text);
  }
  texts.push(await history());
  return texts.join('\n');
}

const addressOf = async (keyId: string) =>
  (await bed.operator('GET', `/v1/audit?actor=${keyId}`)).body.items[0].address;

test('who was erased can be read nowhere any more, and everything else stays as it was', async () => {
  const gone = await outOfUse('Ada Lovelace');
  const stays = await outOfUse('Grace Hopper');
  expect(await shown(gone)).toContain('Ada Lovelace');
  expect(await addressOf(gone.keyId)).toBe('127.0.0.1');
  const before = await bed.operator('GET', `/v1/events?from=1`);

  // Another process that has the keys in use.
  const codec = openCodec(openSubjectKeys(bed.pool, bed.masterKey));
  const other = openPostgresEventLog({ pool: bed.pool, codec, notify: false });
  const read = async () => JSON.stringify((await other.readStream(`tenant-${gone.tenantId}`)).map(({ data }) => data));
  expect(await read()).toContain('Ada');

  expect(await erase(gone.tenantId)).toMatchObject({ status: 200, body: { id: gone.tenantId, state: 'erased' } });
  expect(await erase(gone.keyId)).toMatchObject({ status: 200 });

  const after = await shown(gone);
  expect(after).not.toContain('Ada Lovelace');
  expect(after).toContain('Grace Hopper');
  expect((await bed.operator('GET', `/v1/tenants/${gone.tenantId}`)).body).toMatchObject({
    name: null,
    state: 'deleted',
  });
  expect(await addressOf(gone.keyId)).toBeNull();
  expect(await addressOf(stays.keyId)).toBe('127.0.0.1');
  for await (const _batch of other.readAll({ after: 0n }));
  expect(await read()).not.toContain('Ada');
  await other.close();

  // Nor does the server keep what it once sampled.
  await bed.pool.query('ANALYZE views.tenants; ANALYZE views.api_keys; ANALYZE views.audit');
  const { rows: sampled } = await bed.pool.query<{ column: string }>(
    `SELECT DISTINCT tablename || '.' || attname AS column FROM pg_stats WHERE schemaname = 'views'`,
  );
  const columns = sampled.map(({ column }) => column);
  expect(columns).toContain('tenants.plan');
  for (const personal of ['tenants.name', 'api_keys.name', 'audit.address']) expect(columns).not.toContain(personal);

  // The history is what it was, but for those fields.
  const lines = (text: string) => text.trim().split('\n');
  const now = lines((await bed.operator('GET', `/v1/events?from=1`)).text);
  for (const [n, line] of lines(before.text).entries()) {
    const [was, is] = [line, now[n] ?? ''].map((one) => JSON.parse(one) as { data: object; metadata: object });
    const about = line.includes(gone.tenantId) || line.includes(gone.keyId);
    expect({ ...is, data: null, metadata: null }).toEqual({ ...was, data: null, metadata: null });
    if (!about) expect(is).toEqual(was);
  }
});

test('live read models are what a rebuild gives, before and after it', async () => {
  const { tenantId, keyId } = await outOfUse('Alan Turing');
  await erase(tenantId);
  await erase(keyId);
  await bed.operator('GET', '/v1/tenants');
  for (const view of allViews) expect(await verify(bed.log, bed.pool, view), view.name).toMatchObject({ same: true });
  const later = await outOfUse('Barbara Liskov');
  for (const view of allViews) await rebuild(bed.log, bed.pool, view);
  expect(await shown(later)).not.toContain('Alan Turing');
  await erase(later.tenantId);
  expect(await shown(later)).not.toContain('"Barbara Liskov"');
  for (const view of allViews) expect(await verify(bed.log, bed.pool, view), view.name).toMatchObject({ same: true });
});

test('a name that somebody else asked for while it was taken is not kept in their refusal', async () => {
  const { body: tenant } = await bed.operator('POST', '/v1/tenants', { name: 'Mary Somerville' });
  const refused = await bed.operator('POST', '/v1/tenants', { name: 'Mary Somerville' });
  expect(refused).toMatchObject({ status: 409, body: { code: 'name_taken' } });
  await bed.operator('DELETE', `/v1/tenants/${tenant.id}`);
  expect(await erase(tenant.id)).toMatchObject({ status: 200 });
  expect(await history()).not.toContain('Somerville');
});

test('it is for operators alone, of what there is, and leaves its entry', async () => {
  const { tenantId, keyId } = await outOfUse('Edsger Dijkstra');
  const { body: living } = await bed.operator('POST', '/v1/tenants', { name: 'Living' });
  const admin = bed.client(await bed.keyOf('tenant-admin', living.id));
  expect((await admin('POST', `/v1/subjects/${living.id}/erase`)).status).toBe(403);
  expect((await admin('POST', `/v1/subjects/${tenantId}/erase`)).status).toBe(404);
  expect((await erase('tnt_none')).status).toBe(404);
  expect((await erase('someone')).status).toBe(404);
  const first = await erase(keyId);
  expect(await erase(keyId)).toMatchObject({ status: 200, body: first.body });
  const { body } = await bed.operator('GET', '/v1/audit?action=EraseSubject&limit=200');
  const outcomes = body.items.filter(({ target }: { target: { id: string } }) => target.id === keyId);
  expect(outcomes.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['accepted', 'accepted', 'rejected']);
});
