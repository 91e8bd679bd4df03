import { createLog } from '#infra/logging/log.ts';
import { appendsOf, nodeId, tenantId, wishes } from '#test/tools/histories.ts';
import { appendAll, everything, openReadSide, until, type ReadSide } from '#test/tools/read-side.ts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { getApiKey, listApiKeys } from './api_keys/queries.ts';
import { getAuditItem, listAudit, type AuditFilter } from './audit/queries.ts';
import { getBackup, listBackups } from './backups/queries.ts';
import { waitForHead } from './kernel/consistency.ts';
import type { BadCursor, Page, PageRequest } from './kernel/page.ts';
import { runProjections, type RunningProjections } from './kernel/runner.ts';
import { getNode, listNodes, nodesOfTenant } from './nodes/queries.ts';
import { getOperation, listOperations, openOperations } from './operations/queries.ts';
import { getRoute, listManagers, readRouting } from './routing/queries.ts';
import { getTenant, listTenants } from './tenants/queries.ts';
import { allViews } from './views.ts';

let side: ReadSide;
let running: RunningProjections;

beforeAll(async () => {
  side = await openReadSide();
  await appendAll(
    side.log,
    appendsOf(fc.sample(wishes({ minLength: 900, maxLength: 900 }), { seed: 9, numRuns: 1 })[0] ?? []),
  );
  running = runProjections(side.log, side.pool, allViews, createLog('test', 'silent'));
  const names = allViews.map(({ name }) => name);
  await until(async () => (await waitForHead(side.pool, names)).reached, 'all views at the head');
});
afterAll(async () => {
  await running.stop();
  await side.close();
});

/** Everything a list has, read page by page. */
async function allOf<Item>(list: (page: PageRequest) => Promise<Page<Item> | BadCursor>, limit = 3): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<Item> | BadCursor = await list({ limit, cursor });
    if (page === 'bad_cursor') throw new Error('a cursor of its own was refused');
    expect(page.items.length).toBeLessThanOrEqual(limit);
    if (page.nextCursor !== null) expect(page.items).toHaveLength(limit);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

const descending = (ids: string[]) => ids.toSorted().toReversed();

test('lists give each thing once, newest first, and hide what is deleted unless asked', async () => {
  const present = await allOf((page) => listNodes(side.pool, {}, page));
  const deleted = await allOf((page) => listNodes(side.pool, { state: 'deleted' }, page));
  expect(present.length).toBeGreaterThan(5);
  expect(deleted.length).toBeGreaterThan(0);
  expect(present.every(({ state }) => state !== 'deleted')).toBe(true);
  const ids = present.map(({ id }) => id);
  expect(ids).toEqual(descending(ids));
  const { rows } = await side.pool.query('SELECT id FROM views.nodes');
  expect(new Set([...ids, ...deleted.map(({ id }) => id)]).size).toBe(rows.length);
  expect(await getNode(side.pool, deleted[0]?.id ?? '')).toMatchObject({ state: 'deleted' });
  expect(await getNode(side.pool, 'node_unknown')).toBeNull();

  const [tenant] = present.map((node) => node.tenantId);
  const own = await allOf((page) => listNodes(side.pool, { tenantId: tenant }, page));
  expect(own).toEqual(present.filter((node) => node.tenantId === tenant));
  expect(await nodesOfTenant(side.pool, tenant ?? '')).toEqual(own.toReversed());

  const tenants = await allOf((page) => listTenants(side.pool, {}, page));
  expect(await allOf((page) => listTenants(side.pool, { tenantId: tenants[0]?.id }, page))).toEqual([tenants[0]]);
  expect(await getTenant(side.pool, tenants[0]?.id ?? '')).toEqual(tenants[0]);
  const backups = await allOf((page) => listBackups(side.pool, {}, page));
  expect(await getBackup(side.pool, backups[0]?.id ?? '')).toEqual(backups[0]);
  const { nodeId: of } = backups[0] ?? {};
  expect(await allOf((page) => listBackups(side.pool, { nodeId: of }, page))).toEqual(
    backups.filter((backup) => backup.nodeId === of),
  );
  const keys = await allOf((page) => listApiKeys(side.pool, {}, page));
  expect(await getApiKey(side.pool, keys[0]?.id ?? '')).toEqual(keys[0]);
});

test('a cursor that no such list made is refused', async () => {
  const first = await listNodes(side.pool, {}, { limit: 1 });
  const cursor = first === 'bad_cursor' ? '' : (first.nextCursor ?? '');
  expect(await listTenants(side.pool, {}, { limit: 1, cursor })).toBe('bad_cursor');
  const audit = Buffer.from('audit 99999999999999999999').toString('base64url');
  for (const bad of ['', 'x', `${cursor}=`, `${cursor} `, cursor.slice(1), audit, '0'.repeat(5000), `\0`]) {
    expect(await listNodes(side.pool, {}, { limit: 1, cursor: bad })).toBe('bad_cursor');
    expect(await listAudit(side.pool, {}, { limit: 1, cursor: bad })).toBe('bad_cursor');
  }
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => {
      expect(await listNodes(side.pool, {}, { limit: 1, cursor: text })).toBe('bad_cursor');
    }),
    { numRuns: 50 },
  );
});

test('the timeline is filtered by tenant, actor, action, outcome, time and text', async () => {
  const all = await allOf((page) => listAudit(side.pool, {}, page), 100);
  expect(all).toHaveLength(900);
  expect(all.map(({ position }) => position)).toEqual(
    all.map(({ position }) => position).sort((a, b) => (a < b ? 1 : -1)),
  );
  const middle = new Date(all[450]?.recordedAt ?? 0);
  const cases: [AuditFilter, (item: (typeof all)[number]) => boolean][] = [
    [{ tenantId: tenantId(2) }, (item) => item.tenantId === tenantId(2)],
    [{ actor: all[0]?.actor.id }, (item) => item.actor.id === all[0]?.actor.id],
    [{ action: 'startNode' }, (item) => item.action === 'startNode'],
    [{ outcome: 'rejected' }, (item) => item.outcome === 'rejected'],
    [{ from: middle }, (item) => new Date(item.recordedAt) >= middle],
    [{ to: middle }, (item) => new Date(item.recordedAt) < middle],
    [{ q: 'NOT_FOUND' }, (item) => item.code === 'not_found'],
    [{ q: nodeId(4).slice(-8) }, (item) => `${item.actor.id} ${item.target.id}`.includes(nodeId(4).slice(-8))],
    [{ q: '%' }, () => false],
    [{ q: 'correlation-77' }, (item) => item.correlationId.includes('correlation-77')],
    [{ q: 'start', outcome: 'accepted' }, (item) => /start/i.test(item.action) && item.outcome === 'accepted'],
  ];
  for (const [filter, wanted] of cases) {
    const found = await allOf((page) => listAudit(side.pool, filter, page), 50);
    expect(found, JSON.stringify(filter)).toEqual(all.filter(wanted));
  }
  expect(await getAuditItem(side.pool, all[3]?.position ?? 0n)).toEqual(all[3]);
  expect(all[0]).toMatchObject({ address: '127.0.0.1', actor: { kind: 'api-key' }, redisCommand: null });
});

test('operations are found by id, by what they are about, and while they are open', async () => {
  const all = await allOf((page) => listOperations(side.pool, {}, page), 20);
  expect(new Set(all.map(({ kind }) => kind)).size).toBe(6);
  expect(await getOperation(side.pool, all[0]?.id ?? '')).toEqual(all[0]);
  const failed = all.filter(({ state }) => state === 'failed');
  expect(failed.length).toBeGreaterThan(0);
  for (const { error } of failed) expect(error?.code).toMatch(/_failed$/);
  const open = all.filter(({ state, kind }) => (state === 'pending' || state === 'running') && kind === 'backup');
  expect(await openOperations(side.pool, ['backup'])).toEqual(open.toReversed());
  const { id } = all[0]?.target ?? { id: '' };
  expect(await allOf((page) => listOperations(side.pool, { targetId: id }, page))).toEqual(
    all.filter(({ target }) => target.id === id),
  );
});

test('routing tells each manager its nodes and their position, and placement what is promised', async () => {
  const table = await readRouting(side.pool, null);
  expect(table.position).toBe(await side.log.head());
  const events = await everything(side.log);
  for (const route of table.nodes) {
    const own = events.filter(({ stream }) => stream === `node-${route.nodeId}`);
    const secrets = own.flatMap(({ data }) => (data as { passwordSha256?: string }).passwordSha256 ?? []);
    expect(route.passwordSha256).toBe(secrets.at(-1));
    if (own.some(({ type }) => type === 'NodeStarted')) expect(route.restoreFrom).toBeNull();
    expect(await getRoute(side.pool, route.nodeId)).toEqual(route);
  }
  const loads = await listManagers(side.pool);
  expect(loads.length).toBeGreaterThan(1);
  for (const { managerId, promisedMb } of loads) {
    const { nodes } = await readRouting(side.pool, managerId);
    expect(nodes).toEqual(table.nodes.filter((node) => node.managerId === managerId));
    expect(promisedMb).toBe(nodes.reduce((sum, { memoryLimitMb }) => sum + memoryLimitMb, 0));
  }
});
