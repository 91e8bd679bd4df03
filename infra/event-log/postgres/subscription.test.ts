import { setTimeout as sleep } from 'node:timers/promises';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startFaultyProxy } from '../testing/faulty-proxy.ts';
import { appendOf, metadata, openLog, said, type LogUnderTest } from '../testing/log-under-test.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;

beforeEach(async () => {
  database = await testDatabase();
  under = openLog(database.url);
});
afterEach(async () => {
  await under.close();
  await database.drop();
});

function positionsTo(last: number): bigint[] {
  return Array.from({ length: last }, (_, n) => BigInt(n + 1));
}

/** Appends so many single events from so many callers at once. */
async function write({ log }: LogUnderTest, callers: number, each: number): Promise<void> {
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let n = 0; n < each; n += 1) await log.append(appendOf([`node-${caller}`, 'any', said(String(n))]));
    }),
  );
}

async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error('It did not come about in time.');
    await sleep(2);
  }
}

test('every subscription sees every event once and in order, from wherever it starts, while others write', async () => {
  const other = openLog(database.url);
  await write(under, 10, 10);
  const seen: [after: bigint, positions: bigint[]][] = [0n, 0n, 50n, 100n, 350n].map((after) => [after, []]);
  const subscriptions = seen.map(([after, positions], n) =>
    (n % 2 === 0 ? under : other).log.subscribe({
      after,
      batchSize: 7,
      async handle(batch, upTo) {
        if (n === 1) await sleep(1);
        positions.push(...batch.map(({ position }) => position));
        expect(upTo).toBe(positions.at(-1));
      },
    }),
  );
  await Promise.all([write(under, 20, 10), write(other, 20, 10)]);
  await until(() => seen.every(([, positions]) => positions.at(-1) === 500n));
  for (const [after, positions] of seen) expect(positions).toEqual(positionsTo(500).slice(Number(after)));
  await Promise.all(subscriptions.map((subscription) => subscription.stop()));
  for (const { ended } of subscriptions) await ended;
  await other.close();
});

test('a subscription whose connections are killed again and again misses nothing and repeats nothing', async () => {
  const victim = openLog(database.url, { name: 'victim', max: 2 });
  const positions: bigint[] = [];
  const subscription = victim.log.subscribe({
    after: 0n,
    batchSize: 10,
    async handle(batch) {
      positions.push(...batch.map(({ position }) => position));
    },
  });
  const writing = write(under, 20, 50);
  let killed = 0;
  for (let round = 0; round < 30; round += 1) {
    const { rowCount } = await under.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name IN ('victim', 'miniredis listen')`,
    );
    killed += rowCount ?? 0;
    await sleep(20);
  }
  await writing;
  await until(() => positions.at(-1) === 1_000n);
  expect(positions).toEqual(positionsTo(1_000));
  expect(killed).toBeGreaterThan(10);
  await subscription.stop();
  await victim.close();
});

test('a subscription survives a network that is away for a while', async () => {
  const proxy = await startFaultyProxy(database.url);
  const far = openLog(proxy.url);
  const positions: bigint[] = [];
  far.log.subscribe({
    after: 0n,
    async handle(batch) {
      positions.push(...batch.map(({ position }) => position));
    },
  });
  await write(under, 1, 5);
  await until(() => positions.length === 5);
  proxy.setOpen(false);
  await write(under, 1, 5);
  await sleep(500);
  expect(positions.length).toBe(5);
  proxy.setOpen(true);
  await until(() => positions.length === 10);
  expect(positions).toEqual(positionsTo(10));
  await far.close();
  await proxy.close();
});

describe('how soon an event arrives', () => {
  async function latencies(notify: boolean, sameProcess: boolean, rounds: number): Promise<number[]> {
    const reader = sameProcess ? under : openLog(database.url, { notify });
    let arrived = (): void => {};
    const subscription = reader.log.subscribe({
      after: await reader.log.head(),
      async handle() {
        arrived();
      },
    });
    await sleep(100);
    const taken: number[] = [];
    for (let n = 0; n < rounds; n += 1) {
      const arrival = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      await under.log.append(appendOf(['node-a', 'any', said('x')]));
      const start = performance.now();
      await arrival;
      taken.push(performance.now() - start);
      await sleep(10);
    }
    await subscription.stop();
    if (reader !== under) await reader.close();
    return taken.toSorted((left, right) => left - right);
  }

  test('some milliseconds after the append, in the same process and in others', async () => {
    for (const sameProcess of [true, false]) {
      const taken = await latencies(true, sameProcess, 40);
      // A poll would take 125 ms on average.
      expect(taken[20], `same process: ${sameProcess}`).toBeLessThan(30);
    }
  });

  test('within a poll where hints are off or lost', async () => {
    const taken = await latencies(false, false, 4);
    expect(taken.at(-1)).toBeLessThan(1_000);
    expect(taken.at(-1)).toBeGreaterThan(5);
  });
});

describe('a filter', () => {
  async function writeMixed(): Promise<void> {
    for (let n = 0; n < 10; n += 1) {
      const tenantId = n % 2 === 0 ? 'tnt_even' : null;
      const append = appendOf([`node-${n}`, 'any', said('n')], [`tenant-${n}`, 'any', said('t')]);
      await under.log.append({ ...append, metadata: { ...metadata, tenantId } });
    }
  }
  const filters = [
    [{ categories: ['tenant'] }, [2n, 4n, 6n, 8n, 10n, 12n, 14n, 16n, 18n, 20n]],
    [{ tenantId: 'tnt_even' }, [1n, 2n, 5n, 6n, 9n, 10n, 13n, 14n, 17n, 18n]],
    [{ categories: ['node', 'backup'], tenantId: 'tnt_even' }, [1n, 5n, 9n, 13n, 17n]],
    [{ categories: ['backup'] }, []],
    [{ categories: [] }, []],
  ] as const;

  test.each(filters)('%j passes what it names, and tells how far the log was looked at', async (filter, expected) => {
    const seen: bigint[] = [];
    let reached = 0n;
    const subscription = under.log.subscribe({
      after: 0n,
      filter,
      batchSize: 3,
      async handle(batch, upTo) {
        for (const { position } of batch) {
          expect(position).toBeGreaterThan(reached);
          expect(position).toBeLessThanOrEqual(upTo);
          seen.push(position);
        }
        expect(upTo).toBeGreaterThan(reached);
        reached = upTo;
      },
    });
    await writeMixed();
    await until(() => reached === 20n);
    expect(seen).toEqual(expected);
    await subscription.stop();
    await subscription.ended;

    const read: bigint[] = [];
    for await (const batch of under.log.readAll({ after: 0n, filter, batchSize: 3 })) {
      expect(batch.length).toBeGreaterThan(0);
      read.push(...batch.map(({ position }) => position));
    }
    expect(read).toEqual(expected);
  });
});

test('a false hint, which anybody may send, makes nobody skip anything', async () => {
  const positions: bigint[] = [];
  const subscription = under.log.subscribe({
    after: 0n,
    async handle(batch, upTo) {
      positions.push(...batch.map(({ position }) => position));
      expect(upTo).toBe(positions.at(-1));
    },
  });
  for (const payload of ['', '999999', 'nonsense', '-1']) {
    await under.pool.query(`SELECT pg_notify('miniredis_log', $1)`, [payload]);
    await write(under, 2, 5);
  }
  await until(() => positions.length === 40);
  expect(positions).toEqual(positionsTo(40));
  await subscription.stop();
  await subscription.ended;
});

test('a handler that fails ends its subscription with its error, and no other', async () => {
  const seen: bigint[] = [];
  const healthy = under.log.subscribe({
    after: 0n,
    async handle(batch) {
      seen.push(...batch.map(({ position }) => position));
    },
  });
  const failing = under.log.subscribe({
    after: 0n,
    batchSize: 1,
    async handle([event]) {
      if (event?.position === 3n) throw new Error('can not apply event 3');
    },
  });
  await write(under, 1, 5);
  await expect(failing.ended).rejects.toThrow('can not apply event 3');
  await until(() => seen.length === 5);
  await failing.stop();
  await healthy.stop();
});

test('batches come one at a time, and stop waits for the one in hand', async () => {
  await write(under, 1, 20);
  let [running, most, finished] = [0, 0, 0];
  const subscription = under.log.subscribe({
    after: 0n,
    batchSize: 5,
    async handle() {
      running += 1;
      most = Math.max(most, running);
      await sleep(50);
      running -= 1;
      finished += 1;
    },
  });
  await until(() => finished === 1 && running === 1);
  await subscription.stop();
  expect([running, most, finished]).toEqual([0, 1, 2]);
  await sleep(100);
  expect(finished).toBe(2);
});

test('closing the log stops its subscriptions', async () => {
  const other = openLog(database.url);
  const subscription = other.log.subscribe({ after: 0n, handle: async () => {} });
  await sleep(50);
  await other.close();
  await subscription.ended;
  expect(() => other.log.subscribe({ after: 0n, handle: async () => {} })).toThrow('closed');
});

test('memory stays bounded: a reader holds one batch at a time', async () => {
  await write(under, 50, 20);
  const sizes: number[] = [];
  const all: RecordedEvent[] = [];
  for await (const batch of under.log.readAll({ after: 10n, to: 990n, batchSize: 100 })) {
    sizes.push(batch.length);
    all.push(...batch);
  }
  expect(sizes).toEqual([100, 100, 100, 100, 100, 100, 100, 100, 100, 80]);
  expect(all.map(({ position }) => position)).toEqual(positionsTo(990).slice(10));
});
