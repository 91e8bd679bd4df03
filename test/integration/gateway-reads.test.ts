import { readFile } from 'node:fs/promises';

import { describedApp } from '#gateway/openapi-app.ts';
import { openApiText } from '#gateway/openapi.ts';
import { problemKinds } from '#gateway/problems.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type GatewayBed, openGatewayBed } from './gateway-bed.ts';

let bed: GatewayBed;
beforeAll(async () => {
  bed = await openGatewayBed();
});
afterAll(() => bed.close());

async function tenantWithNodes(name: string, nodes: number) {
  const { body: tenant } = await bed.operator('POST', '/v1/tenants', { name });
  const ids: string[] = [];
  for (let n = 0; n < nodes; n += 1) {
    const { body } = await bed.operator('POST', `/v1/tenants/${tenant.id}/nodes`, { name: `n${n}`, memoryLimitMb: 1 });
    ids.push(body.id);
  }
  return { tenantId: tenant.id as string, ids };
}

test('pages go through a list once, newest first, whatever is added meanwhile', async () => {
  const { tenantId, ids } = await tenantWithNodes('Pages', 7);
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? '' : `&cursor=${cursor}`;
    const { status, body } = await bed.operator('GET', `/v1/nodes?tenantId=${tenantId}&limit=3${more}`);
    expect(status).toBe(200);
    seen.push(...body.items.map(({ id }: { id: string }) => id));
    cursor = body.nextCursor;
    await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, { name: `late${seen.length}`, memoryLimitMb: 1 });
  } while (cursor !== null);
  expect(seen).toEqual(ids.toReversed());
});

describe('the past', () => {
  test('tenants and nodes are shown as they were, by position and by time, one and many', async () => {
    const { body: tenant, headers } = await bed.operator('POST', '/v1/tenants', { name: 'Past' });
    const born = headers['x-miniredis-position'];
    const created = await bed.operator('POST', `/v1/tenants/${tenant.id}/nodes`, { name: 'old', memoryLimitMb: 1 });
    const { body: running } = await bed.operator('GET', `/v1/nodes/${created.body.id}`);
    const head = String(await bed.log.head());
    const then = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await bed.operator('POST', `/v1/nodes/${created.body.id}/resize`, { memoryLimitMb: 9 });
    await bed.operator('DELETE', `/v1/nodes/${created.body.id}`);
    await bed.operator('POST', `/v1/tenants/${tenant.id}/suspend`);

    for (const at of [head, then]) {
      const one = await bed.operator('GET', `/v1/nodes/${created.body.id}?at=${at}`);
      expect(one.body).toEqual(running);
      expect(one.headers['x-miniredis-position']).toBe(head);
      expect((await bed.operator('GET', `/v1/nodes?tenantId=${tenant.id}&at=${at}`)).body.items).toEqual([running]);
      expect((await bed.operator('GET', `/v1/tenants/${tenant.id}?at=${at}`)).body).toEqual(tenant);
    }
    expect((await bed.operator('GET', `/v1/nodes/${created.body.id}?at=${born}`)).body).toMatchObject({ status: 404 });
    expect((await bed.operator('GET', `/v1/nodes?tenantId=${tenant.id}&at=0`)).body.items).toEqual([]);
    const listed = await bed.operator('GET', `/v1/tenants?at=${born}&limit=200`);
    expect(listed.body.items[0]).toEqual(tenant);
    expect((await bed.operator('GET', `/v1/tenants/${tenant.id}?at=${born}`)).body).toEqual(tenant);
    const paged = await bed.operator('GET', `/v1/tenants?at=${head}&limit=1`);
    expect(paged.body.nextCursor).toBeTypeOf('string');
    const next = await bed.operator('GET', `/v1/tenants?at=${head}&limit=1&cursor=${paged.body.nextCursor}`);
    expect(next.body.items[0].id).not.toBe(paged.body.items[0].id);
  });

  test('so are API keys, backups, operations and the timeline', async () => {
    const { tenantId, ids } = await tenantWithNodes('Past things', 1);
    const before = String(await bed.log.head());
    const key = (await bed.operator('POST', '/v1/api-keys', { name: 'k', role: 'tenant-admin', tenantId })).body;
    const { body: backup } = await bed.operator('POST', `/v1/nodes/${ids[0]}/backups`);
    const then = String(await bed.log.head());
    const timeline = (at: string) => bed.operator('GET', `/v1/audit?tenantId=${tenantId}&at=${at}`);
    const asked = (await timeline(then)).body;
    await bed.operator('DELETE', `/v1/api-keys/${key.id}`);
    await bed.operator('DELETE', `/v1/backups/${backup.id}`);

    expect((await timeline(then)).body).toEqual(asked);
    expect((await timeline(String(await bed.log.head()))).body.items).toHaveLength(asked.items.length + 2);
    const operation = backup.operation.id as string;
    // Nobody takes backups here, so only the key has moved on.
    for (const [path, state, now] of [
      [`/v1/api-keys/${key.id}`, 'active', 'revoked'],
      [`/v1/backups/${backup.id}`, 'requested', 'requested'],
      [`/v1/operations/${operation}`, 'pending', 'pending'],
    ] as const) {
      const one = await bed.operator('GET', `${path}?at=${then}`);
      expect(one).toMatchObject({ status: 200, body: { state } });
      expect(one.headers['x-miniredis-position']).toBe(then);
      expect((await bed.operator('GET', path)).body.state).toBe(now);
      expect((await bed.operator('GET', `${path}?at=${before}`)).status).toBe(404);
    }
    for (const list of [`/v1/api-keys?tenantId=${tenantId}`, `/v1/backups?tenantId=${tenantId}`]) {
      expect((await bed.operator('GET', `${list}&at=${before}`)).body.items).toEqual([]);
      expect((await bed.operator('GET', `${list}&at=${then}`)).body.items).toHaveLength(1);
      expect((await bed.operator('GET', `${list}&at=${then}&state=revoked`)).status).toBe(
        list.includes('keys') ? 200 : 400,
      );
    }
  });
});

test('a version that the caller has already is not sent again', async () => {
  const { tenantId, ids } = await tenantWithNodes('Etags', 1);
  for (const path of [`/v1/tenants/${tenantId}`, `/v1/nodes/${ids[0]}`]) {
    const first = await bed.operator('GET', path);
    const etag = first.headers['etag'] ?? '';
    expect(etag).toBe(`"${first.body.version}"`);
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      expect(await bed.operator('GET', path, undefined, { 'if-none-match': known })).toMatchObject({
        status: 304,
        text: '',
      });
    }
    expect((await bed.operator('GET', path, undefined, { 'if-none-match': '"99"' })).status).toBe(200);
  }
});

test('a HEAD is its GET without the body, and no command', async () => {
  const { tenantId } = await tenantWithNodes('Head', 0);
  const head = await bed.log.head();
  for (const path of ['/livez', '/docs', '/v1/tenants', `/v1/tenants/${tenantId}`, '/v1/events']) {
    const { status, text, headers } = await bed.operator('HEAD', path);
    expect([path, status, text]).toEqual([path, 200, '']);
    expect(headers['cache-control']).toBe('private, no-cache');
  }
  expect((await bed.operator('HEAD', '/v1/nodes/nonsense')).status).toBe(404);
  expect((await bed.client(null)('HEAD', `/v1/tenants/${tenantId}`)).status).toBe(401);
  expect(await bed.log.head()).toBe(head);
});

test('every read sees every write that was acknowledged before it, at once, under load', async () => {
  const { tenantId, ids } = await tenantWithNodes('Consistent', 1);
  await Promise.all(
    Array.from({ length: 8 }, async (_, worker) => {
      for (let n = 0; n < 10; n += 1) {
        const name = `w${worker}-${n}`;
        const made = await bed.operator('POST', `/v1/tenants/${tenantId}/nodes`, { name, memoryLimitMb: 1 });
        const read = await bed.operator('GET', `/v1/nodes/${made.body.id}`);
        expect(read.body).toMatchObject({ name, state: 'running' });
        expect(Number(read.headers['x-miniredis-position'])).toBeGreaterThanOrEqual(
          Number(made.headers['x-miniredis-position']),
        );
      }
    }),
  );
  expect(ids).toHaveLength(1);
});

test('read models that stand still are waited for, then the read says how far they are; writes go on', async () => {
  await bed.projections.pause();
  const made = await bed.operator('POST', '/v1/tenants', { name: 'Waiting' });
  expect(made.status).toBe(201);
  const started = Date.now();
  const behind = await bed.operator('GET', `/v1/tenants/${made.body.id}`);
  expect(Date.now() - started).toBeGreaterThan(1800);
  expect(behind).toMatchObject({ status: 503, body: { code: 'read_model_behind' } });
  expect(behind.body.position).toBeLessThan(Number(made.headers['x-miniredis-position']));
  expect(behind.headers['retry-after']).toBe('1');
  const halt = "UPDATE views.checkpoints SET halted_at = $1 WHERE view = 'backups'";
  await bed.pool.query(halt, [4711]);
  const readModels = expect.stringMatching(/^behind, at position \d+; backups halted at position 4711, npm run/);
  const unready = { status: 503, body: { ready: false, detail: { readModels } } };
  expect(await bed.operator('GET', '/readyz')).toMatchObject(unready);
  await bed.pool.query(halt, [null]);

  const waiting = bed.operator('GET', `/v1/tenants/${made.body.id}`);
  bed.projections.resume();
  expect((await waiting).status).toBe(200);
  expect(await bed.operator('GET', '/readyz')).toMatchObject({ status: 200, body: { ready: true } });
});

describe('the audit timeline', () => {
  test('shows who did what to what, and finds it by every filter', async () => {
    const { tenantId, ids } = await tenantWithNodes('Audited', 1);
    const developer = bed.client(await bed.keyOf('tenant-developer', tenantId));
    await developer('DELETE', `/v1/nodes/${ids[0]}`);
    await bed.operator('POST', `/v1/nodes/${ids[0]}/start`);
    const { body } = await bed.operator('GET', `/v1/audit?tenantId=${tenantId}`);
    expect(body.items.map(({ action, outcome, code }: Record<string, unknown>) => [action, outcome, code])).toEqual([
      ['StartNode', 'rejected', 'illegal_transition'],
      ['DeleteNode', 'denied', 'forbidden'],
      ['CreateNode', 'accepted', null],
      ['CreateTenant', 'accepted', null],
    ]);
    const [rejected, denied] = body.items;
    expect(denied).toMatchObject({
      tenantId,
      address: '127.0.0.1',
      target: { kind: 'node', id: ids[0] },
      redisCommand: null,
    });
    const find = async (query: string) =>
      (await bed.operator('GET', `/v1/audit?tenantId=${tenantId}&${query}`)).body.items;
    expect(await find('outcome=denied')).toEqual([denied]);
    expect(await find('action=StartNode')).toEqual([rejected]);
    expect(await find(`actor=${denied.actor.id}`)).toEqual([denied]);
    expect(await find('q=illegal_tr')).toEqual([rejected]);
    expect(await find('from=2199-01-01')).toEqual([]);
    expect(await find(`from=${rejected.recordedAt}&limit=1`)).toEqual([rejected]);
    expect(await find('to=2020-01-01T00:00:00Z')).toEqual([]);

    const auditor = bed.client(await bed.keyOf('auditor', tenantId));
    expect((await auditor('GET', '/v1/audit')).body.items).toEqual(body.items);
  });
});

describe('the description', () => {
  test('schemas/openapi.json is what the routes say; run `npm run openapi` when they change', async () => {
    const app = await describedApp();
    const kept = await readFile(new URL('../../schemas/openapi.json', import.meta.url), 'utf8');
    expect(kept).toBe(openApiText(app));
    await app.close();
    const served = await bed.client(null)('GET', '/openapi.json');
    expect(served.text).toBe(kept);
    expect(served.body.openapi).toBe('3.1.0');
  });

  test('its pages load nothing from elsewhere, and every problem has one', async () => {
    for (const path of ['/docs', '/docs/']) {
      const page = await bed.client(null)('GET', path);
      expect(page.status).toBe(200);
      expect(page.text).toContain('src="/docs/js/scalar.js"');
      expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//);
    }
    expect((await bed.client(null)('GET', '/docs/js/scalar.js')).status).toBe(200);
    for (const code of Object.keys(problemKinds)) {
      const page = await bed.client(null)('GET', `/docs/problems/${code}`);
      expect(page).toMatchObject({ status: 200 });
      expect(page.text).toMatch(new RegExp(`^${code}: `));
    }
  });
});

test('/metrics is in the Prometheus text format', async () => {
  const { status, text, headers } = await bed.client(null)('GET', '/metrics');
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  for (const line of text.trimEnd().split('\n')) {
    expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="[^"]*",?)*\})? -?[0-9.e+]+)$/);
  }
  expect(text).toMatch(/^miniredis_log_head_position [1-9]\d*$/m);
  expect(text).toMatch(/^miniredis_projection_lag_events\{view="nodes"\} 0$/m);
  expect(text).toMatch(/^miniredis_projection_oldest_unprocessed_seconds\{view="nodes"\} 0\.000$/m);
  expect(text).toContain('# TYPE miniredis_consumer_oldest_unprocessed_seconds gauge');
  expect(text).toMatch(
    /miniredis_http_request_duration_seconds_count\{method="POST",route="\/v1\/tenants",status="201"\} [1-9]/,
  );
});
