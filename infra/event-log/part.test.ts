import { testDatabase } from '#test/tools/postgres.ts';
import { array, assert, asyncProperty, integer, string } from 'fast-check';
import { Client } from 'pg';
import { expect, test } from 'vitest';

import { inPart, isInPart } from './part.ts';

test('PostgreSQL and this program put every stream into the same part, and into one', async () => {
  const database = await testDatabase();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    const streams = array(
      string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((name) => !name.includes('\0')),
      {
        minLength: 1,
        maxLength: 50,
      },
    );
    await assert(
      asyncProperty(streams, integer({ min: 1, max: 9 }), integer({ min: 0, max: 8 }), async (names, of, chosen) => {
        const number = chosen % of;
        const { rows } = await client.query<{ stream: string; here: boolean }>(
          `SELECT stream, ${isInPart({ number, of })} AS here FROM unnest($1::text[]) AS stream`,
          [names],
        );
        for (const { stream, here } of rows) expect(inPart({ number, of }, stream), stream).toBe(here);
        for (const name of names) {
          const parts = Array.from({ length: of }, (_, n) => inPart({ number: n, of }, name));
          expect(parts.filter((one) => one)).toHaveLength(1);
        }
      }),
    );
  } finally {
    await client.end();
    await database.drop();
  }
});
