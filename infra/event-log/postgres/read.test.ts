import { testDatabase } from '#test/tools/postgres.ts';
import { assert, asyncProperty, integer } from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { appendOf, openLog, said, type LogUnderTest } from '../testing/log-under-test.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;
const times: number[] = [];
const last = 60;

beforeAll(async () => {
  database = await testDatabase();
  under = openLog(database.url, { notify: false });
  for (let n = 1; n <= last; n += 1) {
    // Times with gaps and with repetitions, as they come.
    const time = 1_800_000_000_000 + Math.floor(n / 4) * 10;
    times.push(time);
    await under.pool.query('UPDATE head SET recorded_at = to_timestamp($1::float8 / 1000)', [time]);
    await under.log.append(appendOf([n % 3 === 0 ? 'node-three' : 'node-rest', 'any', said(String(n))]));
  }
});
afterAll(async () => {
  await under.close();
  await database.drop();
});

test('the position at a time is the last one recorded by then, for every time', async () => {
  await assert(
    asyncProperty(integer({ min: -25, max: 200 }), async (offset) => {
      const time = 1_800_000_000_000 + offset;
      const expected = times.filter((recorded) => recorded <= time).length;
      expect(await under.log.positionAt(new Date(time))).toBe(BigInt(expected));
    }),
    { numRuns: 60 },
  );
});

test('a stream is read from a version on, and as it was at a position', async () => {
  const positions = async (options?: { fromVersion?: number; toPosition?: bigint }) =>
    (await under.log.readStream('node-three', options)).map(({ position }) => Number(position));
  const all = Array.from({ length: 20 }, (_, n) => (n + 1) * 3);
  expect(await positions()).toEqual(all);
  expect(await positions({ fromVersion: 18 })).toEqual([57, 60]);
  expect(await positions({ toPosition: 8n })).toEqual([3, 6]);
  expect(await positions({ fromVersion: 1, toPosition: 9n })).toEqual([6, 9]);
  expect(await positions({ toPosition: 0n })).toEqual([]);
  expect(await under.log.readStream('node-none')).toEqual([]);
});

test('reading ends at the head there was when it began', async () => {
  const read: bigint[] = [];
  for await (const batch of under.log.readAll({ after: 0n, batchSize: 50 })) {
    if (read.length === 0) await under.log.append(appendOf(['other-late', 'any', said('late')]));
    read.push(...batch.map(({ position }) => position));
  }
  expect(read.at(-1)).toBe(60n);
  for await (const batch of under.log.readAll({ after: 61n })) expect(batch).toEqual([]);
});
