import { setTimeout as sleep } from 'node:timers/promises';

import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startFaultyProxy } from '../testing/faulty-proxy.ts';
import { appendOf, openLog, said, type LogUnderTest } from '../testing/log-under-test.ts';

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

async function until(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error('It did not come about in time.');
    await sleep(2);
  }
}

test('every subscription sees every event once and in order, from wherever it starts, while others write', async () => {
  const other = openLog(database.url);
  await write(under, 10, 10);
  const seen: [after: bigint, positions: bigint[]][] = [0n, 0n, 50n, 75n, 100n].map((after) => [after, []]);
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

test('a checkpoint beyond the end of the log, as after an older backup was restored, halts its reader instead of hiding what comes', async () => {
  await write(under, 1, 3);
  const ahead = under.log.subscribe({ after: 4n, handle: async () => {} });
  await expect(ahead.ended).rejects.toThrow('ends at position 3, before 4');
  const atTheEnd: bigint[] = [];
  const reader = openLog(database.url);
  const subscription = reader.log.subscribe({
    after: 3n,
    handle: async (batch) => void atTheEnd.push(...batch.map(({ position }) => position)),
  });
  await write(under, 1, 1);
  await until(() => atTheEnd.length === 1);
  await subscription.stop();
  await reader.close();
});
