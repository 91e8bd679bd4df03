import { setTimeout as sleep } from 'node:timers/promises';

import { testDatabase } from '#test/tools/postgres.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { createPool } from './pool.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

test('64-bit numbers stay exact, times are dates', async () => {
  const pool = createPool(database.url, { name: 'pool test' });
  const { rows } = await pool.query(
    `SELECT 9007199254740993::bigint AS big, 7::int AS small, '2026-11-21T12:00:00.123Z'::timestamptz AS time,
            current_setting('application_name') AS name`,
  );
  expect(rows).toEqual([
    { big: 9_007_199_254_740_993n, small: 7, time: new Date('2026-11-21T12:00:00.123Z'), name: 'pool test' },
  ]);
  await pool.end();
});

test('idle connections that are cut are replaced, and do not end the process', async () => {
  const pool = createPool(database.url, { max: 3, name: 'cut' });
  await Promise.all([1, 2, 3].map(() => pool.query('SELECT pg_sleep(0.05)')));
  const killer = createPool(database.url, { max: 1 });
  const { rowCount } = await killer.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut'`,
  );
  expect(rowCount).toBe(3);
  await sleep(50);
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await Promise.all([pool.end(), killer.end()]);
});

test('a connection that is cut while in use fails its query, and nothing else', async () => {
  const pool = createPool(database.url, { max: 3, name: 'busy' });
  const killer = createPool(database.url, { max: 1 });
  let failed = 0;
  const busy = [1, 2, 3].map(() => pool.query('SELECT pg_sleep(600)').catch(() => (failed += 1)));
  await expect
    .poll(
      async () => {
        await killer.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'busy'`);
        return failed;
      },
      { timeout: 20_000 },
    )
    .toBe(3);
  await Promise.all(busy);
  await expect.poll(async () => (await pool.query('SELECT 1 AS one').catch(() => null))?.rows).toEqual([{ one: 1 }]);
  await Promise.all([pool.end(), killer.end()]);
});
