import { execFile } from 'node:child_process';
import path from 'node:path';

import { categoryOf } from '#domains/kernel/envelope.ts';
import { createLog } from '#infra/logging/log.ts';
import { appendsOf, wishes } from '#test/tools/histories.ts';
import { appendAll, openReadSide, until, type ReadSide } from '#test/tools/read-side.ts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { waitForHead } from './kernel/consistency.ts';
import { runProjections, type RunningProjections } from './kernel/runner.ts';
import { allViews } from './views.ts';

let side: ReadSide;
let running: RunningProjections;

beforeAll(async () => {
  side = await openReadSide();
  await appendAll(
    side.log,
    appendsOf(fc.sample(wishes({ minLength: 200, maxLength: 200 }), { seed: 2, numRuns: 1 })[0] ?? []),
  );
  running = runProjections(side.log, side.pool, allViews, createLog('test', 'silent'));
  const names = allViews.map(({ name }) => name);
  await until(async () => (await waitForHead(side.pool, names)).reached, 'all views at the head');
});
afterAll(async () => {
  await running.stop();
  await side.close();
});

/** Runs the command line against the test's database. */
function projections(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: side.url,
    MASTER_KEY_FILE: side.masterKeyFile,
    MINIREDIS_HOME: path.dirname(side.masterKeyFile),
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(import.meta.dirname, 'main.ts'), ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('list shows each view and how far it is', async () => {
  const { code, stdout } = await projections('list');
  expect(code).toBe(0);
  for (const { name } of allViews) expect(stdout).toMatch(new RegExp(`^${name} +\\d+ +0  live$`, 'm'));
});

test('verify passes, names a row that was tampered with, and passes after a rebuild', async () => {
  expect(await projections('verify')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^tenants +is what/) });
  const { rows } = await side.pool.query<{ id: string }>(
    `UPDATE views.tenants SET plan = 'gold' WHERE id = (SELECT min(id) FROM views.tenants) RETURNING id`,
  );
  const id = rows[0]?.id ?? '';
  const all = await projections('verify');
  expect(all.code).toBe(1);
  expect(all.stdout).toMatch(
    new RegExp(`^tenants +DIFFERS at position \\d+, first at ${id}, field plan: live "gold", rebuilt "free"$`, 'm'),
  );
  expect(await projections('verify', 'nodes')).toMatchObject({ code: 0 });
  expect(await projections('rebuild', 'tenants')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^tenants is rebuilt/),
  });
  expect(await projections('verify', 'tenants')).toMatchObject({ code: 0 });
  const halt = "UPDATE views.checkpoints SET halted_at = $1, error = 'no such plan' WHERE view = 'tenants'";
  await side.pool.query(halt, [4711]);
  expect(await projections('verify', 'tenants')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('HALTED at position 4711: no such plan'),
  });
  await side.pool.query(halt, [null]);
});

test('a view that does not exist, or a platform that is not there, is said so', async () => {
  const unknown = await projections('rebuild', 'tenant');
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('the views are tenants, nodes') });
  expect(await projections('rebuild')).toMatchObject({ code: 2, stderr: expect.stringContaining("argument 'name'") });
  const { url } = side;
  side = { ...side, url: 'postgres://nobody:nothing@127.0.0.1:1/none' };
  const away = await projections('list');
  side = { ...side, url };
  expect(away.code).toBe(2);
  expect(away.stderr).toMatch(/could not be reached/);
});

test('at shows any view and any aggregate as they were, and reads no live table', async () => {
  const head = await side.log.head();
  const events = [];
  for await (const batch of side.log.readAll({ after: 0n })) events.push(...batch);
  const born = events.find(({ type }) => type === 'NodeRequested');
  if (born === undefined) throw new Error('no node in this history');
  await side.pool.query(`ALTER SCHEMA views RENAME TO views_away`);
  try {
    const then = await projections('at', String(born.position), born.stream);
    expect(then.stderr).toBe('');
    expect(JSON.parse(then.stdout)).toMatchObject({ stream: born.stream, version: 0, state: { status: 'requested' } });
    expect((await projections('at', String(born.position - 1n), born.stream)).stderr).toMatch(/was not there/);
    const rows = (await projections('at', String(head), 'nodes')).stdout.trim().split('\n');
    expect(rows.map((row) => (JSON.parse(row) as { id: string }).id)).toContain(born.stream.slice('node-'.length));
    expect((await projections('at', '2000-01-01', 'nodes')).stdout).toBe('');
    expect(await projections('at', String(head + 1n), 'nodes')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/lies ahead/) as unknown,
    });
    // JavaScript itself takes the second for a day in 2001.
    for (const text of ['soon', 'soon 5', '2026-11-21T08:30:00']) {
      expect(await projections('at', text, 'nodes')).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/neither/),
      });
    }
    expect(await projections('at', '1', 'thing-x')).toMatchObject({ code: 2 });
  } finally {
    await side.pool.query(`ALTER SCHEMA views_away RENAME TO views`);
  }
});

test('every kind of stream that the log has can be shown as it was', async () => {
  const streams = new Map<string, string>();
  for await (const batch of side.log.readAll({ after: 0n })) {
    for (const { stream } of batch) streams.set(categoryOf(stream), stream);
  }
  expect(streams.size).toBeGreaterThan(6);
  const head = String(await side.log.head());
  const shown = [...streams.values()].map(async (stream) => {
    const { code, stdout, stderr } = await projections('at', head, stream);
    expect(`${code} ${stderr}`, stream).toBe('0 ');
    expect(JSON.parse(stdout)).toMatchObject({ stream, state: expect.anything() as unknown });
  });
  await Promise.all(shown);
});
