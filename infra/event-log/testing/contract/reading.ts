import { setTimeout as sleep } from 'node:timers/promises';

import { categoryOf, type RecordedEvent } from '#domains/kernel/envelope.ts';
import { assert, asyncProperty, constantFrom, integer, record, subarray } from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { EventLog } from '../../event-log.ts';
import { collect } from '../collect.ts';
import { appendOf, metadata, said } from '../log-under-test.ts';
import { eventsAfter, fresh, freshCategory, type OpenLog } from './store.ts';

/** Some appends over two categories of this test alone, of two tenants and two types; returns what is in the log then. */
async function writeMixed(log: EventLog, one: string, two: string): Promise<RecordedEvent[]> {
  const start = await log.head();
  for (let n = 0; n < 24; n += 1) {
    const resumed = { type: 'TenantResumed', data: { tenantId: 'tnt_2' } };
    const append = appendOf(
      [`${one}-${n % 3}`, 'any', n % 2 === 0 ? said(`${n}`) : resumed],
      ...((n % 4 === 0
        ? ([[`${two}-${n}`, 'no-stream', said(`${n}`), resumed]] as const).map((part) => [...part])
        : []) as []),
    );
    await log.append({ ...append, metadata: { ...metadata, tenantId: n % 5 === 0 ? 'tnt_five' : 'tnt_rest' } });
  }
  return eventsAfter(log, start);
}

/** What every log does for those who read it. */
export function reading(open: OpenLog): void {
  test('a stream is read forward and backward, from any version, with a limit, as it was at any position', async () => {
    const log = open();
    const category = freshCategory();
    await writeMixed(log, category, freshCategory());
    const all = await log.readStream(`${category}-0`);
    expect(all.length).toBe(8);
    const places = [0n, ...all.flatMap(({ position }) => [position - 1n, position])];
    await assert(
      asyncProperty(
        record(
          {
            fromVersion: integer({ min: 0, max: 10 }),
            limit: integer({ min: 1, max: 10 }),
            toPosition: constantFrom(...places),
            direction: constantFrom('forward' as const, 'backward' as const),
          },
          { requiredKeys: [] },
        ),
        integer({ min: 1, max: 4 }),
        async (range, batchSize) => {
          const { direction = 'forward', fromVersion, limit = 100, toPosition } = range;
          const backward = direction === 'backward';
          const from = fromVersion ?? (backward ? 100 : 0);
          const expected = (backward ? all.toReversed() : all)
            .filter((event) => (backward ? event.version <= from : event.version >= from))
            .filter((event) => toPosition === undefined || event.position <= toPosition)
            .slice(0, limit);
          expect(await log.readStream(`${category}-0`, range)).toEqual(expected);
          const batches = await collect(log.readStreamBatches(`${category}-0`, { ...range, batchSize }));
          expect(batches.flat()).toEqual(expected);
          for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(batchSize);
        },
      ),
      { numRuns: 40 },
    );
    expect(await log.readStream(fresh('node'))).toEqual([]);
    expect(await log.readStream(fresh('node'), { direction: 'backward', limit: 1 })).toEqual([]);
  });

  test('a range that can name no event is refused', async () => {
    const log = open();
    await expect(async () => log.readStream('node-1', { fromVersion: -1 })).rejects.toThrow('from 0; not from -1');
    await expect(async () => log.readStream('node-1', { limit: 0 })).rejects.toThrow('limit from 1; not with 0');
    await expect(collect(log.readAll({ after: -1n }))).rejects.toThrow('from 0 on; not after -1');
    for (const batchSize of [0, -1, 1.5, Number.NaN]) {
      await expect(collect(log.readAll({ after: 0n, batchSize }))).rejects.toThrow('a size from 1');
      await expect(collect(log.readStreamBatches('node-1', { batchSize }))).rejects.toThrow('a size from 1');
      expect(() => log.subscribe({ after: 0n, batchSize, handle: async () => {} })).toThrow('a size from 1');
    }
    await expect(async () => log.positionAt(new Date('soon'))).rejects.toThrow('this Date is none');
  });

  test('reads are filtered by category, type and tenant together, whatever the size of batches', async () => {
    const log = open();
    const start = await log.head();
    const [one, two] = [freshCategory(), freshCategory()];
    const all = await writeMixed(log, one, two);
    expect(all.length).toBe(36);
    const some = (...values: string[]) => subarray(values, { minLength: 1 });
    await assert(
      asyncProperty(
        record(
          {
            categories: some(one, two, 'none'),
            types: some('NodeFailed', 'TenantResumed', 'Nothing'),
            tenantId: constantFrom('tnt_five', 'tnt_rest', 'tnt_none'),
          },
          { requiredKeys: [] },
        ),
        integer({ min: 1, max: 30 }),
        constantFrom(start, ...all.map(({ position }) => position)),
        async (filter, batchSize, after) => {
          const { categories, types, tenantId } = filter;
          const to = all.at(-1)?.position ?? 0n;
          const batches = await collect(log.readAll({ after, to, filter, batchSize }));
          for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(batchSize);
          expect(batches.flat()).toEqual(
            all.filter(
              ({ position, stream, type, metadata: about }) =>
                position > after &&
                (categories === undefined || categories.includes(categoryOf(stream))) &&
                (types === undefined || types.includes(type)) &&
                (tenantId === undefined || tenantId === about.tenantId),
            ),
          );
        },
      ),
      { numRuns: 30 },
    );
    expect(await collect(log.readAll({ after: start, filter: { categories: [] } }))).toEqual([]);
  });

  test('reading begins after any position, also one that no event is at, and ends where it is told', async () => {
    const log = open();
    const all = await writeMixed(log, freshCategory(), freshCategory());
    const [third, tenth] = [all[2]?.position ?? 0n, all[9]?.position ?? 0n];
    for (const after of [third, third - 1n, third + 1n]) {
      const read = (await collect(log.readAll({ after, to: tenth }))).flat();
      expect(read).toEqual(all.filter(({ position }) => position > after && position <= tenth));
    }
    const head = await log.head();
    expect(await collect(log.readAll({ after: head }))).toEqual([]);
    expect(await collect(log.readAll({ after: head + 1_000_000n }))).toEqual([]);
    // As far as a position can go, and there is still nothing to look for behind the head.
    const beyond = (await collect(log.readAll({ after: tenth, to: 2n ** 63n - 1n }))).flat();
    expect(beyond).toEqual(all.filter(({ position }) => position > tenth));
    const none = { after: 0n, to: 2n ** 63n - 1n, filter: { categories: ['none'] } };
    expect(await collect(log.readAll(none))).toEqual([]);
  });

  test('reading ends at the head there was when it began', async () => {
    const log = open();
    const start = await log.head();
    const all = await writeMixed(log, freshCategory(), freshCategory());
    const read: bigint[] = [];
    for await (const batch of log.readAll({ after: start, batchSize: 30 })) {
      if (read.length === 0) await log.append(appendOf([fresh('node'), 'any', said('late')]));
      read.push(...batch.map(({ position }) => position));
    }
    expect(read).toEqual(all.map(({ position }) => position));
  });

  test('memory stays bounded: a reader holds one batch at a time', async () => {
    const log = open();
    const start = await log.head();
    const stream = fresh('node');
    for (let n = 0; n < 10; n += 1) {
      await log.append(appendOf([stream, 'any', ...Array.from({ length: 20 }, (_, k) => said(`${n} ${k}`))]));
    }
    const batches = await collect(log.readAll({ after: start, batchSize: 45 }));
    expect(batches.map(({ length }) => length)).toEqual([45, 45, 45, 45, 20]);
    const portions = await collect(log.readStreamBatches(stream, { batchSize: 64 }));
    expect(portions.flat().map(({ version }) => version)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    for (const { length } of portions) expect(length).toBeLessThanOrEqual(64);
  });

  describe('the position at a time', () => {
    test('is that of the last event recorded by then', async () => {
      const log = open();
      const start = await log.head();
      const stream = fresh('node');
      for (let n = 0; n < 5; n += 1) {
        await log.append(appendOf([stream, 'any', said(`${n}`)]));
        await sleep(5);
      }
      const all = await eventsAfter(log, start);
      const times = all.flatMap(({ recordedAt }) => [-1, 0, 1].map((offset) => Date.parse(recordedAt) + offset));
      for (const time of times) {
        const expected = all.findLast(({ recordedAt }) => Date.parse(recordedAt) <= time)?.position ?? start;
        expect(await log.positionAt(new Date(time))).toBe(expected);
      }
      for (const early of [0, -1, -8.64e15]) expect(await log.positionAt(new Date(early))).toBe(0n);
      expect(await log.positionAt(new Date(Date.now() + 60_000))).toBe(await log.head());
    });
  });
}
