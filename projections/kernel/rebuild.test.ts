import { setTimeout as sleep } from 'node:timers/promises';

import { createLog } from '#infra/logging/log.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { appendsOf, wishes } from '#test/tools/histories.ts';
import { appendAll, cutBefore, openReadSide, until, type ReadSide } from '#test/tools/read-side.ts';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { readRouting } from '../routing/queries.ts';
import { allViews } from '../views.ts';
import { readCheckpoints } from './checkpoints.ts';
import { waitForHead } from './consistency.ts';
import { rebuild } from './rebuild.ts';
import { runProjections, type RunningProjections } from './runner.ts';
import { SideTableBusy, withSideTable } from './side-table.ts';
import { verify } from './verify.ts';
import type { AnyView } from './view.ts';

const quiet = createLog('test', process.env['DEBUG_LOG'] ?? 'silent');
const names = allViews.map(({ name }) => name);
const appends = appendsOf(fc.sample(wishes({ minLength: 1000, maxLength: 1000 }), { seed: 5, numRuns: 1 })[0] ?? []);

let side: ReadSide;
let running: RunningProjections;

beforeEach(async () => {
  side = await openReadSide();
  running = runProjections(side.log, side.pool, allViews, quiet);
});
afterEach(async () => {
  await running.stop();
  await side.close();
});

function viewOf(name: string): AnyView {
  const found = allViews.find((view) => view.name === name);
  if (found === undefined) throw new Error(`no view ${name}`);
  return found;
}

async function tables(): Promise<string[]> {
  const { rows } = await side.pool.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'views' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

const caughtUp = () => until(async () => (await waitForHead(side.pool, names)).reached, 'all views at the head');

test('rebuilds and verifies while events come in, and readers never see a gap', async () => {
  await appendAll(side.log, appends.slice(0, 400));
  await caughtUp();
  const done = new AbortController();
  let reads = 0;
  const writer = (async () => {
    for (const append of appends.slice(400)) {
      if (done.signal.aborted) break;
      await appendAll(side.log, [append]);
      await sleep(5);
    }
  })();
  const reader = (async () => {
    let [entries, nodes, position] = [0, 0, 0n];
    while (!done.signal.aborted) {
      const { rows } = await side.pool.query<{ entries: string; nodes: string }>(
        'SELECT (SELECT count(*) FROM views.audit) AS entries, (SELECT count(*) FROM views.nodes) AS nodes',
      );
      expect(Number(rows[0]?.entries)).toBeGreaterThanOrEqual(entries);
      expect(Number(rows[0]?.nodes)).toBeGreaterThanOrEqual(nodes);
      [entries, nodes] = [Number(rows[0]?.entries), Number(rows[0]?.nodes)];
      const routes = await readRouting(side.pool, null);
      expect(routes.position).toBeGreaterThanOrEqual(position);
      expect(routes.nodes.length).toBeGreaterThan(0);
      position = routes.position;
      reads += 1;
    }
    return entries;
  })();
  for (let round = 0; round < 2; round += 1) {
    for (const view of allViews) {
      await rebuild(side.log, side.pool, view);
      expect(await verify(side.log, side.pool, view)).toMatchObject({ same: true });
    }
  }
  done.abort();
  expect(await reader).toBeGreaterThan(400);
  await writer;
  await caughtUp();
  for (const view of allViews) expect(await verify(side.log, side.pool, view)).toMatchObject({ same: true });
  expect(reads).toBeGreaterThan(50);
  expect(await tables()).toEqual([...names, 'checkpoints'].sort());
});

test('verify names the first row and field that differ, a missing row and one too many', async () => {
  await appendAll(side.log, appends.slice(0, 300));
  await caughtUp();
  const { rows } = await side.pool.query<{ id: string }>('SELECT id FROM views.nodes ORDER BY id');
  const [first, second, third] = rows.map(({ id }) => id);
  const check = () => verify(side.log, side.pool, viewOf('nodes'));

  await side.pool.query(`UPDATE views.nodes SET memory_limit_mb = 4711 WHERE id = $1`, [third]);
  expect(await check()).toMatchObject({ same: false, key: third, field: 'memoryLimitMb', live: '4711' });
  await side.pool.query(`UPDATE views.nodes SET failure = 'none' WHERE id = $1`, [second]);
  expect(await check()).toMatchObject({ same: false, key: second, field: 'failure', live: 'none' });
  await side.pool.query(`DELETE FROM views.nodes WHERE id = $1`, [first]);
  expect(await check()).toMatchObject({ same: false, key: first, field: null, live: null });
  await rebuild(side.log, side.pool, viewOf('nodes'));
  expect(await check()).toMatchObject({ same: true, rows: rows.length });

  await side.pool
    .query(`INSERT INTO views.tenants SELECT 'tnt_extra', name, plan, state, created_at, updated_at, version
    FROM views.tenants LIMIT 1`);
  const verdict = await verify(side.log, side.pool, viewOf('tenants'));
  expect(verdict).toMatchObject({ same: false, key: 'tnt_extra', field: null, rebuilt: null });
  expect(await tables()).toEqual([...names, 'checkpoints'].sort());
});

test('a rebuild whose process was killed leaves nothing that blocks the next one, and one at a time runs', async () => {
  await appendAll(side.log, appends.slice(0, 100));
  await caughtUp();
  const view = viewOf('backups');
  const killed = withSideTable(side.pool, view, async (client) => {
    await expect(rebuild(side.log, side.pool, view)).rejects.toThrow(SideTableBusy);
    await client.query('SELECT pg_terminate_backend(pg_backend_pid())');
  });
  await expect(killed).rejects.toThrow();
  expect(await tables()).toHaveLength(names.length + 2);
  await rebuild(side.log, side.pool, view);
  expect(await tables()).toEqual([...names, 'checkpoints'].sort());
});

test('a rebuild that is cut before any of its statements leaves the live view whole', async () => {
  await appendAll(side.log, appends.slice(0, 300));
  await caughtUp();
  const view = viewOf('nodes');
  let statement = 1;
  for (let swapped = false; !swapped; statement += 1) {
    const pool = createPool(side.url, { max: 1 });
    pool.on('connect', (client) => cutBefore(statement, client, side.pool, () => {}));
    swapped = await rebuild(side.log, pool, view).then(
      () => true,
      () => false,
    );
    await pool.end();
    expect(await verify(side.log, side.pool, view)).toMatchObject({ same: true });
  }
  expect(statement).toBeGreaterThan(15);
  expect(await tables()).toEqual([...names, 'checkpoints'].sort());
});

test('a halted view that is rebuilt goes on with the running runner, without an event to wake it', async () => {
  await appendAll(side.log, appends.slice(0, 100));
  await caughtUp();
  await side.pool.query('ALTER TABLE views.audit ADD CHECK (position < 300)');
  await appendAll(side.log, appends.slice(100, 400));
  await until(
    async () => (await readCheckpoints(side.pool)).some(({ haltedAt }) => haltedAt !== null),
    'the audit view halts',
  );
  await rebuild(side.log, side.pool, viewOf('audit'));
  await caughtUp();
  await appendAll(side.log, appends.slice(400, 450));
  await caughtUp();
  expect(await verify(side.log, side.pool, viewOf('audit'))).toMatchObject({ same: true, rows: 450 });
});

test('a view whose definition changed is rebuilt at the next start while the others go on', async () => {
  await appendAll(side.log, appends.slice(0, 300));
  await caughtUp();
  await running.stop();
  const changedViews = allViews.map((view) =>
    view.name === 'tenants' ? { ...view, revision: view.revision + 1 } : view,
  );
  expect(await verify(side.log, side.pool, changedViews[0] ?? viewOf('tenants'))).toEqual({
    same: false,
    outdated: true,
  });
  await side.pool.query(`UPDATE views.tenants SET plan = 'made by the old definition'`);
  running = runProjections(side.log, side.pool, changedViews, quiet);
  await until(async () => {
    const { rows } = await side.pool.query(`SELECT 1 FROM views.tenants WHERE plan LIKE 'made by%'`);
    return rows.length === 0;
  }, 'the tenants are rebuilt');
  await appendAll(side.log, appends.slice(300, 330));
  await caughtUp();
  for (const view of changedViews) expect(await verify(side.log, side.pool, view)).toMatchObject({ same: true });
});

test('a view that is far behind catches up beside the others', async () => {
  await appendAll(side.log, appends);
  await caughtUp();
  await running.stop();
  await side.pool.query('TRUNCATE views.nodes');
  await side.pool.query(`UPDATE views.checkpoints SET position = 0 WHERE view = 'nodes'`);
  running = runProjections(side.log, side.pool, allViews, quiet);
  await caughtUp();
  for (const view of allViews) expect(await verify(side.log, side.pool, view)).toMatchObject({ same: true });
});
