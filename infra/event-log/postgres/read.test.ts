import type { DomainEvent } from '#domains/kernel/decider.ts';
import { categoryOf } from '#domains/kernel/envelope.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { assert, asyncProperty, bigInt, constantFrom, integer, record, subarray } from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Append } from '../event-log.ts';
import { collect } from '../testing/collect.ts';
import { appendOf, metadata, openLog, said, type LogUnderTest } from '../testing/log-under-test.ts';

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
    await under.log.append(n % 10 === 1 ? ofTenantTwo(n) : ofTenantOne(n));
  }
});

function ofTenantOne(n: number): Append {
  return appendOf([n % 3 === 0 ? 'node-three' : 'node-rest', 'any', said(String(n))]);
}

function ofTenantTwo(n: number): Append {
  const resumed: DomainEvent = { type: 'TenantResumed', data: { tenantId: 'tnt_2' } };
  const append = n % 3 === 0 ? ofTenantOne(n) : appendOf(['tenant-two', 'any', resumed]);
  return { ...append, metadata: { ...metadata, tenantId: 'tnt_2' } };
}

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

test('a stream is read backward and with a limit, from any version, as it was at any position', async () => {
  const all = await under.log.readStream('node-three');
  const version = integer({ min: 0, max: 25 });
  await assert(
    asyncProperty(
      record(
        {
          fromVersion: version,
          limit: integer({ min: 1, max: 25 }),
          toPosition: bigInt({ min: 0n, max: 70n }),
          direction: constantFrom('forward' as const, 'backward' as const),
        },
        { requiredKeys: [] },
      ),
      integer({ min: 1, max: 7 }),
      async (range, batchSize) => {
        const { direction = 'forward', fromVersion, limit = 100, toPosition = 1_000n } = range;
        const backward = direction === 'backward';
        const from = fromVersion ?? (backward ? 100 : 0);
        const expected = (backward ? all.toReversed() : all)
          .filter((event) => (backward ? event.version <= from : event.version >= from))
          .filter((event) => event.position <= toPosition)
          .slice(0, limit);
        expect(await under.log.readStream('node-three', range)).toEqual(expected);
        const batches = await collect(under.log.readStreamBatches('node-three', { ...range, batchSize }));
        expect(batches.flat()).toEqual(expected);
        for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(batchSize);
      },
    ),
    { numRuns: 60 },
  );
});

test('the server filters by category, type and tenant together, whatever the size of batches', async () => {
  const all = (await collect(under.log.readAll({ after: 0n }))).flat();
  const some = (...values: string[]) => subarray(values, { minLength: 1 });
  await assert(
    asyncProperty(
      record(
        {
          categories: some('node', 'tenant', 'none'),
          types: some('NodeFailed', 'TenantResumed', 'Nothing'),
          tenantId: constantFrom('tnt_1', 'tnt_2', 'tnt_none'),
        },
        { requiredKeys: [] },
      ),
      integer({ min: 1, max: 30 }),
      async (filter, batchSize) => {
        const batches = await collect(under.log.readAll({ after: 3n, filter, batchSize }));
        const { categories, types, tenantId } = filter;
        expect(batches.flat()).toEqual(
          all.filter(
            ({ position, stream, type, metadata: about }) =>
              position > 3n &&
              (categories === undefined || categories.includes(categoryOf(stream))) &&
              (types === undefined || types.includes(type)) &&
              (tenantId === undefined || tenantId === about.tenantId),
          ),
        );
      },
    ),
    { numRuns: 60 },
  );
});
