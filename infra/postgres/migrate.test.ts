import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { migrate } from './migrate.ts';
import { createPool } from './pool.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.drop());

async function query<Row>(sql: string): Promise<Row[]> {
  const pool = createPool(database.url, { max: 1 });
  try {
    return (await pool.query(sql)).rows as Row[];
  } finally {
    await pool.end();
  }
}

test('processes that start together on an empty database apply each migration once', async () => {
  await query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await Promise.all(Array.from({ length: 8 }, () => migrate(database.url)));
  const names = (await query<{ name: string }>('SELECT name FROM schema_migrations ORDER BY name')).map(
    (row) => row.name,
  );
  expect(names.length).toBeGreaterThan(0);
  expect(new Set(names).size).toBe(names.length);
  expect(await query('SELECT position FROM head')).toEqual([{ position: 0n }]);
});

test('a migration that was changed after it was applied is refused by name', async () => {
  await query(`UPDATE schema_migrations SET sha256 = 'other' WHERE name = '0001-event-log.sql'`);
  await expect(migrate(database.url)).rejects.toThrow('0001-event-log.sql was changed');
});

test('a migration that fails leaves nothing of itself', async () => {
  await query(`DELETE FROM schema_migrations WHERE name = '0001-event-log.sql'; DROP TABLE events`);
  await expect(migrate(database.url)).rejects.toThrow(/0001-event-log\.sql failed: .*already exists/);
  expect(await query(`SELECT to_regclass('events') AS found`)).toEqual([{ found: null }]);
});
