import { Client } from 'pg';
import { expect, test } from 'vitest';

import { testDatabase } from './postgres.ts';

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('databases cloned at the same moment are apart from each other', async () => {
  const [left, right, ...rest] = await Promise.all(Array.from({ length: 8 }, () => testDatabase()));
  if (left === undefined || right === undefined) throw new Error('unreachable');
  await ask(left.url, 'CREATE TABLE only_left (id int)');
  await expect(ask(right.url, 'SELECT * FROM only_left')).rejects.toThrow(/does not exist/);
  for (const database of [left, right, ...rest]) await database.drop();
});

test('the server is durable, and dropping a database ends the connections a test left open', async () => {
  const database = await testDatabase();
  expect(await ask(database.url, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
  const forgotten = new Client({ connectionString: database.url });
  forgotten.on('error', () => {});
  await forgotten.connect();
  await database.drop();
  await expect(forgotten.query('SELECT 1')).rejects.toThrow();
  await expect(ask(database.url, 'SELECT 1')).rejects.toThrow(/does not exist/);
});
