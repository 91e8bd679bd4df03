import { backupDecider } from '#domains/backup/decider.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import { appendsOf, wishes } from '#test/tools/histories.ts';
import { appendAll, everything, openReadSide } from '#test/tools/read-side.ts';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { apiKeyAt } from '../api_keys/queries.ts';
import { backupAt } from '../backups/queries.ts';
import { listNodesAt, nodeAt } from '../nodes/queries.ts';
import { operationAt } from '../operations/queries.ts';
import { startReplay } from '../replay/fold.ts';
import { showBackup, showNode, showTenant } from '../replay/shapes.ts';
import { listTenantsAt, tenantAt } from '../tenants/queries.ts';
import { allViews } from '../views.ts';
import { applyBatch } from './apply.ts';
import { ensureViews } from './checkpoints.ts';
import { selectRows } from './rows.ts';
import { rowsAt } from './time-travel.ts';
import type { AnyRow } from './view.ts';

const page = { limit: 1000 };

test('at every position the live rows are what the log says of that position, by reducers and by deciders', async () => {
  await fc.assert(
    fc.asyncProperty(wishes({ minLength: 40, maxLength: 70 }), async (wanted) => {
      const side = await openReadSide();
      const client = await side.pool.connect();
      try {
        await appendAll(side.log, appendsOf(wanted));
        await ensureViews(client, allViews);
        const replay = startReplay({
          from: 0n,
          filtered: false,
          deciders: { tenant: tenantDecider, node: nodeDecider, backup: backupDecider },
        });
        for (const event of await everything(side.log)) {
          const { position } = event;
          await applyBatch(client, allViews, { after: position - 1n, events: [event], upTo: position });
          replay.add(event);
          const live = new Map<string, AnyRow[]>();
          for (const view of allViews) {
            const key = (row: AnyRow) => String(row[view.key]);
            const rows = await selectRows(client, view, '', []);
            const past = await rowsAt(side.log, view, { at: position });
            expect(new Map(rows.map((row) => [key(row), row]))).toEqual(past);
            live.set(view.name, rows);
          }
          for (const shown of [...replay.things('tenant').values()].map((thing) => showTenant(thing as never))) {
            const row = live.get('tenants')?.find(({ id }) => id === shown.id);
            // The log may hold what PostgreSQL can't keep in a text; see `storable`.
            expect(row).toEqual({ ...shown, name: String(shown['name']).replaceAll('\0', '\uFFFD') });
          }
          for (const shown of [...replay.things('node').values()].map((thing) => showNode(thing as never))) {
            const {
              operationId: _o,
              stopReason: _s,
              ...row
            } = live.get('nodes')?.find(({ id }) => id === shown.id) ?? {};
            expect(row).toEqual(shown);
          }
          for (const shown of [...replay.things('backup').values()].map((thing) => showBackup(thing as never))) {
            expect(live.get('backups')?.find(({ id }) => id === shown.id)).toEqual(shown);
          }
        }
      } finally {
        client.release(true);
        await side.close();
      }
    }),
    { numRuns: 3 },
  );
}, 120_000);

test('things can be asked for as they were', async () => {
  const side = await openReadSide();
  try {
    const [wanted = []] = fc.sample(wishes({ minLength: 250, maxLength: 250 }), { seed: 4, numRuns: 1 });
    await appendAll(side.log, appendsOf(wanted));
    const events = await everything(side.log);
    const created = events.find(({ type }) => type === 'TenantCreated');
    const suspended = events.find(({ stream, type }) => type === 'TenantSuspended' && stream === created?.stream);
    if (created === undefined || suspended === undefined) throw new Error('this history is too short');
    const id = created.stream.slice('tenant-'.length);
    expect(await tenantAt(side.log, id, created.position - 1n)).toBeNull();
    expect(await tenantAt(side.log, id, created.position)).toMatchObject({ id, state: 'active', version: 0 });
    expect(await tenantAt(side.log, id, suspended.position)).toMatchObject({ id, state: 'suspended' });
    expect(await listTenantsAt(side.log, { tenantId: id }, page, suspended.position)).toMatchObject({
      items: [{ id }],
    });
    expect(await listTenantsAt(side.log, {}, { ...page, cursor: 'x' }, 1n)).toBe('bad_cursor');

    const placed = events.filter(({ type }) => type === 'NodePlaced').at(1);
    if (placed === undefined) throw new Error('this history is too short');
    const node = placed.stream.slice('node-'.length);
    expect(await nodeAt(side.log, node, placed.position - 1n)).toMatchObject({ state: 'requested', managerId: null });
    expect(await nodeAt(side.log, node, placed.position)).toMatchObject({ state: 'provisioning', version: 1 });
    const then = await listNodesAt(side.log, {}, page, placed.position);
    expect(then).toMatchObject({ nextCursor: null });
    expect(then === 'bad_cursor' ? [] : then.items.map((row) => row.id)).toContain(node);

    const verified = events.find(({ type }) => type === 'BackupVerified');
    const requested = events.find(({ type, stream }) => type === 'BackupRequested' && stream === verified?.stream);
    if (verified === undefined || requested === undefined) throw new Error('this history is too short');
    const { backupId, operationId } = requested.data as { backupId: string; operationId: string };
    expect(await backupAt(side.log, backupId, verified.position)).toMatchObject({ state: 'verified' });
    const operation = (at: bigint) => operationAt(side.log, verified.stream, operationId, at);
    expect(await operation(verified.position - 1n)).toMatchObject({ state: 'running', percent: 60 });
    expect(await operation(verified.position)).toMatchObject({ state: 'succeeded', percent: 100, error: null });
    const key = events.find(({ type }) => type === 'ApiKeyCreated')?.stream.slice('apikey-'.length) ?? '';
    expect(await apiKeyAt(side.log, key, await side.log.head())).toMatchObject({ id: key, role: 'tenant-admin' });
  } finally {
    await side.close();
  }
});
