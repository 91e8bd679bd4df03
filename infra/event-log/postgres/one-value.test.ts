import { testDatabase } from '#test/tools/postgres.ts';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { askOneValue, type Prepared } from './one-value.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let client: Client;

beforeAll(async () => {
  database = await testDatabase();
  client = new Client({ connectionString: database.url, pipeline: true });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const echo: Prepared = {
  name: 'echo',
  text: `SELECT concat_ws('|', $1::text, $2::int, encode($3::bytea, 'hex'), $4::text IS NULL, length($1))`,
};

test('values arrive the same whether the statement is prepared with them or known already', async () => {
  for (let again = 0; again < 3; again += 1) {
    for (const text of ['', 'plain', 'naïve 🎈 \\x00 "quoted"', 'long '.repeat(20_000)]) {
      const answer = await askOneValue(client, echo, [text, -7, Buffer.from([0, 255]), null]);
      expect(answer).toBe(`${text}|-7|00ff|t|${Array.from(text).length}`);
    }
  }
});

test('questions that are sent behind each other are answered in order, and one that fails fails alone', async () => {
  const divide: Prepared = { name: 'divide', text: 'SELECT 12 / $1::int WHERE $1 <> 5' };
  const ask = (by: number) => askOneValue(client, divide, [by]);
  for (let again = 0; again < 2; again += 1) {
    const answers = await Promise.allSettled([ask(1), ask(0), ask(4), ask(5)]);
    expect(answers.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.message))).toEqual([
      '12',
      'division by zero',
      '3',
      undefined,
    ]);
  }
});
