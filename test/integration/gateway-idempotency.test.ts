import { newId } from '#infra/crypto/ids.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { everything } from '../tools/read-side.ts';
import { type Answer, type GatewayBed, openGatewayBed } from './gateway-bed.ts';

let bed: GatewayBed;
let tenantId: string;
beforeAll(async () => {
  bed = await openGatewayBed();
  tenantId = (await bed.operator('POST', '/v1/tenants', { name: 'Acme' })).body.id;
});
afterAll(() => bed.close());

const keyed = (key: string) => ({ 'idempotency-key': key });

/** What a repeat must have in common with the first reply. */
function expectReplay(first: Answer, again: Answer): void {
  expect(again.status).toBe(first.status);
  expect(again.headers['x-miniredis-position']).toBe(first.headers['x-miniredis-position']);
  expect(again.headers['x-miniredis-command-id']).toBe(first.headers['x-miniredis-command-id']);
  expect(first.headers['idempotent-replayed']).toBeUndefined();
  expect(again.headers['idempotent-replayed']).toBe('true');
}

describe('a repeat with the same body', () => {
  test('creates one node, and does not show its password again', async () => {
    const create = () =>
      bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, { name: 'once', memoryLimitMb: 4 }, keyed('create once'));
    const first = await create();
    const head = await bed.log.head();
    const again = await create();
    expectReplay(first, again);
    const { password: _password, url: _url, ...endpoint } = first.body.endpoint;
    expect(again.body).toEqual({ ...first.body, endpoint, credentialsShown: true });
    expect(await bed.log.head()).toBe(head);
  });

  test('has the members of its body in another order, and is the same all the same', async () => {
    const path = `/v1/tenants/${tenantId}/nodes`;
    const json = { 'content-type': 'application/json' };
    const first = await bed.operator('POST', path, '{"name":"order","memoryLimitMb":1}', {
      ...json,
      ...keyed('order'),
    });
    const again = await bed.operator('POST', path, '{ "memoryLimitMb": 1, "name": "order" }', {
      ...json,
      ...keyed('order'),
    });
    expectReplay(first, again);
  });

  test('of anything that was done gives the same, without the secret', async () => {
    const { body: node } = await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, {
      name: 'rep',
      memoryLimitMb: 4,
    });
    const path = `/v1/nodes/${node.id}`;
    const writes: readonly (readonly ['POST' | 'DELETE', string, object?])[] = [
      ['POST', '/v1/tenants', { name: 'Repeated' }],
      ['POST', '/v1/api-keys', { role: 'auditor' }],
      ['POST', `${path}/rotate-credentials`],
      ['POST', `${path}/resize`, { memoryLimitMb: 5 }],
      ['POST', `${path}/backups`],
      ['POST', `${path}/stop`],
      ['POST', `${path}/start`],
      ['DELETE', path],
    ];
    for (const [n, [method, url, body]] of writes.entries()) {
      const first = await bed.operator(method, url, body, keyed(`write ${n}`));
      expect(first.status).toBeLessThan(300);
      const again = await bed.operator(method, url, body, keyed(`write ${n}`));
      expectReplay(first, again);
      expect(again.text).not.toMatch(/"(password|key|url)":/);
      expect(again.body.id).toBe(first.body.id);
      if (/"(password|key)":/.test(first.text)) expect(again.body.credentialsShown).toBe(true);
    }
  });

  test('of what was refused is refused in the same words, also when it would be possible now', async () => {
    const create = () => bed.operator('POST', '/v1/tenants', { name: 'acme' }, keyed('taken'));
    const first = await create();
    expect(first).toMatchObject({ status: 409, body: { code: 'name_taken' } });
    const again = await create();
    expectReplay(first, again);
    expect(again.text).toBe(first.text);

    const admin = bed.client(await bed.keyOf('tenant-admin', tenantId));
    const denied = () => admin('DELETE', `/v1/nodes/${nodeId}`, undefined, keyed('denied'));
    const nodeId = newId('node');
    const [one, two] = [await denied(), await denied()];
    expectReplay(one, two);
    expect(two.text).toBe(one.text);
  });

  test('at the same moment is done once; all get the same answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, { name: 'twin', memoryLimitMb: 1 }, keyed('twin')),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id as string)).size).toBe(1);
    expect(answers.filter(({ body }) => body.endpoint.password !== undefined)).toHaveLength(1);
    const records = (await everything(bed.log)).filter(({ metadata }) => metadata.commandId === 'twin');
    expect(records.filter(({ type }) => type === 'CommandAccepted')).toHaveLength(1);
    expect(records.filter(({ type }) => type === 'NodeRequested')).toHaveLength(1);
  });
});

test('another body, path or method under the same key is an error that changes nothing', async () => {
  const first = await bed.operator('POST', '/v1/tenants', { name: 'Reused' }, keyed('reused'));
  expect(first.status).toBe(201);
  const head = await bed.log.head();
  const others = [
    await bed.operator('POST', '/v1/tenants', { name: 'Other' }, keyed('reused')),
    await bed.operator('POST', `/v1/tenants/${first.body.id}/suspend`, {}, keyed('reused')),
    await bed.operator('DELETE', `/v1/tenants/${first.body.id}`, undefined, keyed('reused')),
  ];
  for (const other of others) expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  expect(await bed.log.head()).toBe(head);
});

test('keys are their actors’ own: two callers may use the same', async () => {
  const second = bed.client(await bed.keyOf('operator', null));
  const mine = await bed.operator('POST', '/v1/tenants', { name: 'Mine' }, keyed('shared'));
  const theirs = await second('POST', '/v1/tenants', { name: 'Theirs' }, keyed('shared'));
  expect([mine.status, theirs.status]).toEqual([201, 201]);
  expect(mine.body.id).not.toBe(theirs.body.id);
});

test('correlation, trace, address and actor go with every entry', async () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const answer = await bed.operator(
    'POST',
    '/v1/tenants',
    { name: 'Traced' },
    {
      'x-correlation-id': 'order 7',
      traceparent: trace,
      ...keyed('traced'),
    },
  );
  expect(answer.headers['x-correlation-id']).toBe('order 7');
  const events = (await everything(bed.log)).filter(({ metadata }) => metadata.commandId === 'traced');
  expect(events.map(({ type }) => type)).toEqual(['NameReserved', 'TenantCreated', 'CommandAccepted']);
  for (const { metadata } of events) {
    expect(metadata).toMatchObject({
      correlationId: 'order 7',
      trace,
      address: '127.0.0.1',
      actor: { kind: 'api-key', id: bed.operatorKey.slice(3, 33) },
      tenantId: answer.body.id,
    });
  }
  expect(answer.headers['x-miniredis-position']).toBe(String(events.at(-1)?.position));
  const { body } = await bed.operator('GET', '/v1/audit?q=ORDER%207');
  expect(body.items).toMatchObject([
    {
      action: 'CreateTenant',
      outcome: 'accepted',
      correlationId: 'order 7',
      target: { kind: 'tenant', id: answer.body.id },
    },
  ]);
});
