import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from '#infra/logging/log.ts';
import { createLog } from '#infra/logging/log.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { appendsOf, wishes } from '#test/tools/histories.ts';
import { appendAll, cutBefore, everything, openReadSide, until, type ReadSide } from '#test/tools/read-side.ts';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { allViews } from '../views.ts';
import { readCheckpoints } from './checkpoints.ts';
import { headAndCheckpoints, waitForHead } from './consistency.ts';
import { applyInMemory, emptyFold } from './fold.ts';
import { selectRows } from './rows.ts';
import { runProjections, type RunningProjections } from './runner.ts';
import type { AnyView } from './view.ts';

const quiet: Logger = createLog('test', process.env['DEBUG_LOG'] ?? 'silent');
const names = allViews.map(({ name }) => name);

let side: ReadSide;
let running: RunningProjections[];

beforeEach(async () => {
  side = await openReadSide();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await side.close();
});

function run(views: readonly AnyView[] = allViews, pool = side.pool, log = quiet): RunningProjections {
  const started = runProjections(side.log, pool, views, log);
  running.push(started);
  return started;
}

const history = (length: number) =>
  appendsOf(fc.sample(wishes({ minLength: length, maxLength: length }), { seed: 1, numRuns: 1 })[0] ?? []);

/** Every live table holds what folding the log in memory gives. */
async function expectLiveToBeTheLog(views: readonly AnyView[] = allViews): Promise<void> {
  const events = await everything(side.log);
  for (const view of views) {
    const folded = emptyFold();
    for (const event of events) applyInMemory(view, folded, event);
    const live = await selectRows(side.pool, view, `ORDER BY 1`, []);
    const expected = [...folded.written.values()];
    const byKey = (left: Record<string, unknown>, right: Record<string, unknown>) =>
      String(left[view.key]).padStart(30, '0') < String(right[view.key]).padStart(30, '0') ? -1 : 1;
    expect(live.sort(byKey), view.name).toEqual(expected.sort(byKey));
  }
}

test('the runner brings every view to the head and keeps it there', async () => {
  const appends = history(400);
  await appendAll(side.log, appends.slice(0, 300));
  run();
  expect(await waitForHead(side.pool, names, 60_000)).toMatchObject({ reached: true, at: await side.log.head() });
  await expectLiveToBeTheLog();
  for (const append of appends.slice(300)) {
    await side.log.append(append);
    expect(await waitForHead(side.pool, names, 60_000)).toMatchObject({ reached: true });
  }
  await expectLiveToBeTheLog();
});

test('a poison event halts one view, which says why; the others go on; the next start tries again', async () => {
  const tenants = allViews.find(({ name }) => name === 'tenants');
  if (tenants === undefined) throw new Error('no tenants');
  await appendAll(side.log, history(200));
  const events = await everything(side.log);
  const poison = events.filter(({ stream }) => stream.startsWith('tenant-'))[7];
  if (poison === undefined) throw new Error('too short a history');
  const failing: AnyView = {
    ...tenants,
    apply(row, event) {
      if (event.position === poison.position) throw new Error('no such plan');
      return tenants.apply(row, event);
    },
  };
  const views = allViews.map((view) => (view.name === 'tenants' ? failing : view));
  const first = run(views);
  const others = names.filter((name) => name !== 'tenants');
  expect(await waitForHead(side.pool, others, 60_000)).toMatchObject({ reached: true });
  expect(await waitForHead(side.pool, names, 10_000)).toMatchObject({ reached: false, halted: ['tenants'] });
  const halted = (await readCheckpoints(side.pool)).find(({ view }) => view === 'tenants');
  expect(halted).toMatchObject({ haltedAt: poison.position, error: expect.stringContaining('no such plan') });
  expect(halted?.position).toBe(poison.position - 1n);
  await expectLiveToBeTheLog(allViews.filter(({ name }) => name !== 'tenants'));
  await first.stop();

  run();
  await until(async () => (await waitForHead(side.pool, names)).reached, 'the view is applied to the end');
  await expectLiveToBeTheLog();
});

test('rows that PostgreSQL refuses halt their view, too', async () => {
  run();
  await until(async () => (await headAndCheckpoints(side.pool)).checkpoints.size === names.length, 'views are made');
  await side.pool.query(`ALTER TABLE views.nodes ADD CHECK (version < 2)`);
  await appendAll(side.log, history(200));
  await waitForHead(side.pool, ['tenants', 'audit', 'routing'], 10_000);
  const halted = (await readCheckpoints(side.pool)).filter(({ haltedAt }) => haltedAt !== null);
  expect(halted).toMatchObject([{ view: 'nodes', error: expect.stringMatching(/check constraint/) }]);
});

test('a connection that is cut before any statement loses and doubles nothing', async () => {
  const appends = history(2000);
  await appendAll(side.log, appends.slice(0, 60));
  const first = run();
  await until(() => first.state() === 'live', 'the views are made');
  await first.stop();

  const pool = createPool(side.url, { max: 4, name: 'runner' });
  let [connections, cuts] = [0, 0];
  pool.on('connect', (client) => {
    connections += 1;
    if (cuts < 40) cutBefore(5 + connections, client, side.pool, () => (cuts += 1));
  });
  const second = run(allViews, pool);
  for (const append of appends.slice(60)) {
    await appendAll(side.log, [append]);
    if (cuts >= 40) break;
    await sleep(10);
  }
  expect(cuts).toBe(40);
  expect(await waitForHead(side.pool, names, 60_000)).toMatchObject({ reached: true });
  await expectLiveToBeTheLog();
  await second.stop();
  await pool.end();
});

test('a second runner stands by and takes over when the first one is gone', async () => {
  const appends = history(170);
  await appendAll(side.log, appends.slice(0, 50));
  const pools = [createPool(side.url, { name: 'first' }), createPool(side.url, { name: 'second' })] as const;
  const first = run(allViews, pools[0]);
  await until(() => first.state() === 'live', 'the first runs');
  const second = run(allViews, pools[1]);
  await until(() => second.state() === 'standby', 'the second stands by');
  const began = Date.now();
  const stopped = first.stop();
  await until(() => second.state() === 'live', 'the second takes over', 2000);
  expect(Date.now() - began).toBeLessThan(2000);
  await stopped;
  await appendAll(side.log, appends.slice(50));
  expect(await waitForHead(side.pool, names, 60_000)).toMatchObject({ reached: true });
  await expectLiveToBeTheLog();
  await second.stop();
  await Promise.all(pools.map((pool) => pool.end()));
});

test('a runner that was frozen and lost its connection cannot write when it wakes up', async () => {
  const appends = history(500);
  await appendAll(side.log, appends.slice(0, 200));
  const script = path.join(import.meta.dirname, '../../test/tools/runner-process.ts');
  const env = { PATH: process.env['PATH'], DATABASE_URL: side.url, MASTER_KEY_FILE: side.masterKeyFile };
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  try {
    await until(() => said.endsWith('live\n'), 'the other process runs', 60_000);
    const second = run();
    await until(() => second.state() === 'standby', 'the second stands by');
    // Frozen in the middle of its work, as a process under a debugger or a starved machine.
    const writing = appendAll(side.log, appends.slice(200, 300));
    await sleep(20);
    child.kill('SIGSTOP');
    await writing;
    await side.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'runner-process%'`,
    );
    await until(() => second.state() === 'live', 'the second takes over', 2000);
    await appendAll(side.log, appends.slice(300, 400));
    expect(await waitForHead(side.pool, names, 60_000)).toMatchObject({ reached: true });
    child.kill('SIGCONT');
    await until(() => said.endsWith('standby\n'), 'the first stands by');
    await appendAll(side.log, appends.slice(400));
    expect(await waitForHead(side.pool, names, 60_000)).toMatchObject({ reached: true });
    await expectLiveToBeTheLog();
  } finally {
    child.kill('SIGKILL');
  }
});
