import { setTimeout as sleep } from 'node:timers/promises';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { openTransport, type Transport } from '#test/tools/transport.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { startFaultyProxy } from '../testing/faulty-proxy.ts';
import { appendOf, openLog, said, type LogUnderTest } from '../testing/log-under-test.ts';
import { shardOf, type Consumer } from './consumer.ts';
import { lagOfGroups } from './lag.ts';
import { startConsumer, type ConsumerOptions, type RunningConsumer } from './member.ts';
import { listParked, requestReplay, skipParked } from './parked.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let under: LogUnderTest;
let transport: Transport;
const running: RunningConsumer[] = [];
const logger = pino({ level: 'silent' });

beforeEach(async () => {
  database = await testDatabase();
  under = openLog(database.url);
  transport = openTransport(under.pool);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((consumer) => consumer.stop()));
  await transport.close();
  await under.close();
  await database.drop();
});

function start(consumer: Consumer, options: Partial<ConsumerOptions> = {}): RunningConsumer {
  const { pool, keys } = under;
  const log = transport.following(under.log, openCodec(keys));
  const started = startConsumer({ consumer, log, pool, logger, shards: 4, lease_ms: 1000, ...options });
  running.push(started);
  return started;
}

/** The reason tells the events apart. */
async function append(stream: string, ...reasons: string[]): Promise<void> {
  expect(await under.log.append(appendOf([stream, 'any', ...reasons.map(said)]))).toMatchObject({ ok: true });
}

class Away extends Error {}

/** A consumer that records what it was called with and fails as told. */
function recording(fails: (reason: string) => Error | null = () => null) {
  const done: string[] = [];
  const tried: string[] = [];
  const consumer: Consumer = {
    name: 'recording',
    categories: ['node'],
    types: ['NodeFailed'],
    policy: { attempts: 3, delayMin_ms: 5, delayMax_ms: 20 },
    isTransient: (error) => error instanceof Away,
    handle: async ({ data }: RecordedEvent) => {
      const { reason } = data as { reason: string };
      tried.push(reason);
      const error = fails(reason);
      if (error !== null) throw error;
      done.push(reason);
    },
  };
  return { consumer, done, tried };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => String(from + n));
const patience = { timeout: 20_000, interval: 20 };

test('every event of its types comes once and in order, also over a restart', async () => {
  const first = recording();
  await append('node-a', ...numbers(0, 20));
  const consumer = start(first.consumer);
  await append('node-a', ...numbers(20, 40));
  await append('tenant-a', 'of another category');
  await vi.waitFor(() => expect(first.done).toEqual(numbers(0, 40)), patience);
  await consumer.stop();
  await append('node-b', ...numbers(40, 50));
  const second = recording();
  start(second.consumer);
  await vi.waitFor(() => expect(second.done).toEqual(numbers(40, 50)), patience);
});

test('a transient failure is waited out for as long as it takes, and nothing is lost or parked', async () => {
  let away = true;
  const { consumer, done, tried } = recording(() => (away ? new Away('the server is away') : null));
  const started = start(consumer);
  await append('node-a', '1', '2');
  await vi.waitFor(() => expect(tried.length).toBeGreaterThan(10), patience);
  expect(started.status()).toMatchObject({ waitingFor: 'the server is away', parkedStreams: 0 });
  expect(done).toEqual([]);
  away = false;
  await vi.waitFor(() => expect(done).toEqual(['1', '2']), patience);
  expect(started.status()).toMatchObject({ waitingFor: null, parkedStreams: 0 });
});

test('a poison event parks its stream from there on, and the others go on', async () => {
  const { consumer, done, tried } = recording((reason) => (reason === 'bad' ? new Error('no way') : null));
  const started = start(consumer);
  await append('node-a', 'a1', 'bad', 'a3');
  for (const name of numbers(0, 20)) await append(`node-${name}`, name);
  await append('node-a', 'a4');
  await vi.waitFor(() => expect(done.toSorted()).toEqual(['a1', ...numbers(0, 20)].toSorted()), patience);
  await vi.waitFor(async () => expect(started.status().position).toBe(await under.log.head()), patience);
  expect(tried.filter((reason) => reason === 'bad')).toHaveLength(3);
  expect(await listParked(under.pool, { group: 'recording' })).toMatchObject([
    {
      stream: 'node-a',
      version: 1,
      position: 2n,
      type: 'NodeFailed',
      attempts: 3,
      error: expect.stringMatching(/^Error: no way/),
      replaying: false,
    },
  ]);
  expect(tried).not.toContain('a3');
  await started.stop();

  // A new owner knows of it.
  start(consumer);
  await append('node-b', 'after');
  await append('node-a', 'a5');
  await vi.waitFor(() => expect(done).toContain('after'), patience);
  expect(tried).not.toContain('a5');
});

test('a replay delivers a parked stream in order from its first parked event, and what comes meanwhile after it', async () => {
  let broken = true;
  const { consumer, done } = recording((reason) => (broken && reason === '5' ? new Error('no way') : null));
  start(consumer);
  await append('node-a', ...numbers(0, 200));
  await vi.waitFor(async () => expect(await listParked(under.pool, {})).toHaveLength(1), patience);
  broken = false;
  const appending = (async () => {
    for (let n = 200; n < 300; n += 1) await append('node-a', String(n));
  })();
  expect(await requestReplay(under.pool, { group: 'recording', stream: 'node-a' })).toBe(1);
  await appending;
  await vi.waitFor(() => expect(done).toHaveLength(300), patience);
  expect(done).toEqual(numbers(0, 300));
  await vi.waitFor(async () => expect(await listParked(under.pool, {})).toEqual([]), patience);
  await append('node-a', 'next');
  await vi.waitFor(() => expect(done.at(-1)).toBe('next'), patience);
});

test('a replay that fails parks the stream at the event that failed', async () => {
  let bad = '2';
  const { consumer, done } = recording((reason) => (reason === bad ? new Error(`not ${reason}`) : null));
  start(consumer);
  await append('node-a', ...numbers(0, 8));
  await vi.waitFor(async () => expect(await listParked(under.pool, {})).toMatchObject([{ version: 2 }]), patience);
  bad = '6';
  await requestReplay(under.pool, { group: 'recording' });
  await vi.waitFor(
    async () => expect(await listParked(under.pool, {})).toMatchObject([{ version: 6, replaying: false }]),
    patience,
  );
  expect(done).toEqual(numbers(0, 6));
});

test('a skip passes over one event and goes on, and that event never comes again', async () => {
  const { consumer, done, tried } = recording((reason) => (reason === 'bad' ? new Error('no way') : null));
  const first = start(consumer);
  await append('node-a', '1', 'bad', '2', '3');
  await vi.waitFor(async () => expect(await listParked(under.pool, {})).toHaveLength(1), patience);
  expect(await skipParked(under.pool, 'recording', 'node-a', 0)).toBe(false);
  expect(await skipParked(under.pool, 'recording', 'node-a', 1)).toBe(true);
  expect(await skipParked(under.pool, 'recording', 'node-a', 2)).toBe(false);
  await vi.waitFor(() => expect(done).toEqual(['1', '2', '3']), patience);
  await vi.waitFor(async () => expect(await listParked(under.pool, {})).toEqual([]), patience);
  await first.stop();
  start(consumer);
  await append('node-a', '4');
  await vi.waitFor(() => expect(done).toEqual(['1', '2', '3', '4']), patience);
  expect(tried.filter((reason) => reason === 'bad')).toHaveLength(3);
});

test('members share the shards fairly, as they come and go, and each event comes to one of them', async () => {
  const made = [recording(), recording(), recording()] as const;
  const sizes = () => running.map((member) => member.status().shards.length).toSorted((left, right) => left - right);
  start(made[0].consumer, { shards: 8 });
  await vi.waitFor(() => expect(sizes()).toEqual([8]), patience);
  start(made[1].consumer);
  await vi.waitFor(() => expect(sizes()).toEqual([4, 4]), patience);
  start(made[2].consumer);
  await vi.waitFor(() => expect(sizes()).toEqual([2, 3, 3]), patience);
  for (const name of numbers(0, 60)) await append(`node-${name}`, name);
  await vi.waitFor(() => expect(made.flatMap(({ done }) => done)).toHaveLength(60), patience);
  for (const [n, { done }] of made.entries()) {
    const shards = running[n]?.status().shards ?? [];
    for (const name of done) expect(shards).toContain(shardOf(`node-${name}`, 8));
  }
  await running.shift()?.stop();
  await vi.waitFor(() => expect(sizes()).toEqual([4, 4]), patience);
});

test('it goes on where it was when the server ends all of its connections', async () => {
  const { consumer, done } = recording();
  start(consumer);
  await append('node-a', '1');
  await vi.waitFor(() => expect(done).toEqual(['1']), patience);
  await under.pool
    .query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    .catch(() => {});
  await vi.waitFor(() => append('node-a', '2'), patience);
  await vi.waitFor(() => expect(done).toEqual(['1', '2']), patience);
});

test('an owner that is cut off from PostgreSQL does nothing more when its lease has run out, and goes on afterwards', async () => {
  const proxy = await startFaultyProxy(database.url);
  const far = openLog(proxy.url);
  let away = true;
  const { consumer, done, tried } = recording(() => (away ? new Away('away') : null));
  start(consumer, { log: far.log, pool: far.pool });
  await append('node-a', '1', '2');
  await vi.waitFor(() => expect(tried.length).toBeGreaterThan(5), patience);
  proxy.setOpen(false);
  // The lease is of one second, and the owner's own clock says when it is over.
  await sleep(1300);
  const before = tried.length;
  await sleep(300);
  expect(tried.length).toBe(before);
  away = false;
  proxy.setOpen(true);
  await vi.waitFor(() => expect(done).toEqual(['1', '2']), patience);
  await running.pop()?.stop();
  await far.close();
  await proxy.close();
});

test('stopping does not wait for what is away, and hands over where it was', async () => {
  const { consumer } = recording(() => new Away('for ever'));
  const started = start(consumer);
  await append('node-a', '1');
  await vi.waitFor(() => expect(started.status().waitingFor).toBe('for ever'), patience);
  await started.stop();
  const held = `SELECT 1 FROM consumer_shards WHERE consumer_group = 'recording' AND owner IS NOT NULL`;
  expect((await under.pool.query(held)).rows).toEqual([]);
  const next = recording();
  start(next.consumer);
  await vi.waitFor(() => expect(next.done).toEqual(['1']), patience);
});

test('the lag of a group is what its slowest shard has yet to come to, with the age of the first of it', async () => {
  let away = true;
  const { consumer, done } = recording(() => (away ? new Away('away') : null));
  start(consumer);
  await append('node-a', '1', '2', '3');
  // A relay is a group, too, where there is one.
  const lagOfOurs = async () => (await lagOfGroups(under.pool, under.log)).find((lag) => lag.group === 'recording');
  await vi.waitFor(async () => {
    const lag = await lagOfOurs();
    expect(lag).toMatchObject({ group: 'recording', events: 3, parkedStreams: 0, members: 1 });
    expect(lag?.oldest_s).toBeGreaterThan(0.2);
  }, patience);
  away = false;
  await vi.waitFor(() => expect(done).toHaveLength(3), patience);
  await vi.waitFor(async () => expect(await lagOfOurs()).toMatchObject({ events: 0, oldest_s: 0 }), patience);
});

test('a stream belongs to the same shard everywhere, and streams spread', () => {
  expect(['', 'node-a', 'tenant-äöü'].map((stream) => shardOf(stream, 8))).toMatchInlineSnapshot(`
    [
      5,
      3,
      1,
    ]
  `);
  const sizes = Array.from({ length: 8 }, () => 0);
  for (let n = 0; n < 8000; n += 1) sizes[shardOf(`node-${n}`, 8)]! += 1;
  expect(Math.min(...sizes)).toBeGreaterThan(800);
});
