import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { archiveNow, everything, fillLog, testObjects, usePartitionsOf } from '../../testing/archived-log.ts';
import { collect } from '../../testing/collect.ts';
import { appendOf, openLog, said, type LogUnderTest } from '../../testing/log-under-test.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let store: Awaited<ReturnType<typeof testObjects>>;
let under: LogUnderTest;

beforeEach(async () => {
  database = await testDatabase();
  store = await testObjects();
  under = openLog(database.url, { notify: false, objects: store.objects });
  await usePartitionsOf(under.pool, 200);
});
afterEach(async () => {
  await under.close();
  await database.drop();
  store.drop();
});

const archive = () => archiveNow({ pool: under.pool, objects: store.objects });

async function rowsLeft(): Promise<number> {
  const { rows } = await under.pool.query<{ count: bigint }>('SELECT count(*) AS count FROM events');
  return Number(rows[0]?.count);
}

async function tables(): Promise<string[]> {
  const { rows } = await under.pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relname LIKE 'events\\_%' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

function streamsOf(events: readonly RecordedEvent[]): Map<string, RecordedEvent[]> {
  const streams = new Map<string, RecordedEvent[]>();
  for (const event of events) streams.set(event.stream, [...(streams.get(event.stream) ?? []), event]);
  return streams;
}

test('what was archived is read through the port as if it had never left, by any process, and the table shrinks', async () => {
  await fillLog(under.log, 600);
  const before = await everything(under.log);
  const tablesBefore = await tables();
  const archived = await archive();
  expect(archived.map(({ outcome }) => outcome)).toEqual([
    'archived',
    'archived',
    'archived',
    'archived',
    'archived',
    'archived',
  ]);
  // A third of the nodes stays: a sixth of the events.
  expect(await rowsLeft()).toBe(200);
  expect((await tables()).length).toBeLessThan(tablesBefore.length);

  const fresh = openLog(database.url, { notify: false, objects: store.objects });
  for (const { log } of [under, fresh]) {
    expect(await everything(log)).toEqual(before);
    expect((await collect(log.readAll({ after: 333n, to: 777n, batchSize: 7 }))).flat()).toEqual(
      before.slice(333, 777),
    );
    for (const [stream, events] of streamsOf(before)) {
      expect(await log.readStream(stream)).toEqual(events);
      expect(await log.readStream(stream, { direction: 'backward', limit: 2 })).toEqual(
        events.toReversed().slice(0, 2),
      );
      expect(await log.readStream(stream, { fromVersion: 3, toPosition: 500n })).toEqual(
        events.filter(({ version, position }) => version >= 3 && position <= 500n),
      );
    }
    for (const filter of [
      { categories: ['command'] },
      { types: ['NodeDeleted'] },
      { tenantId: 'tnt_3', categories: ['node'] },
    ]) {
      const wanted = before.filter(
        ({ stream, type, metadata }) =>
          (filter.categories === undefined || stream.startsWith(`${filter.categories[0]}-`)) &&
          (filter.types === undefined || filter.types[0] === type) &&
          (filter.tenantId === undefined || filter.tenantId === metadata.tenantId),
      );
      expect((await collect(log.readAll({ after: 0n, filter, batchSize: 50 }))).flat()).toEqual(wanted);
    }
    for (const { position, recordedAt } of before.filter((_, n) => n % 50 === 0)) {
      const last = before.findLast((event) => event.recordedAt <= recordedAt)?.position ?? position;
      expect(await log.positionAt(new Date(recordedAt))).toBe(last);
    }
    const followed: bigint[] = [];
    const subscription = log.subscribe({
      after: 0n,
      handle: (batch) => Promise.resolve(void followed.push(...batch.map(({ position }) => position))),
    });
    await expect.poll(() => followed.length).toBe(before.length);
    await subscription.stop();
    expect(followed).toEqual(before.map(({ position }) => position));
  }
  await fresh.close();
});

test('versions and event ids of what was archived stay taken, and an archived stream can go on', async () => {
  const append = appendOf(['command-first', 'no-stream', said('a'), said('b')]);
  const first = await under.log.append(append);
  await fillLog(under.log, 200);
  await archive();
  expect(await under.log.append(append)).toEqual({ ...first, repeated: true });
  const other = { ...append, streams: appendOf(['command-first', 'no-stream', said('a'), said('c')]).streams };
  expect(await under.log.append(other)).toEqual({ ok: false, conflict: 'event-id' });
  expect(await under.log.append(appendOf(['command-first', 'no-stream', said('x')]))).toMatchObject({ actual: 1 });
  expect(await under.log.append(appendOf(['command-first', 1, said('x')]))).toMatchObject({ ok: true });
  const texts = (await under.log.readStream('command-first')).map(({ version, data }) => [version, data]);
  expect(texts.map(([version]) => version)).toEqual([0, 1, 2]);
});

test('what stayed goes when it is closed, run after run, and never into many small tables', async () => {
  for (let round = 0; round < 5; round += 1) {
    await fillLog(under.log, 400, round * 400);
    await archive();
  }
  // Six tables at most for the 660 events that stay, and three for what is still being written.
  expect((await tables()).length).toBeLessThan(10);
  const nodes = [...streamsOf(await everything(under.log)).keys()].filter((name) => /^node-\d+$/.test(name));
  for (const stream of nodes) {
    await under.log.append(appendOf([stream, 'exists', { type: 'NodeDeleted', data: { nodeId: stream } }]));
  }
  await fillLog(under.log, 400, 2_000);
  const before = await everything(under.log);
  await archive();
  await archive();
  expect(await rowsLeft()).toBeLessThan(900);
  expect(await everything(under.log)).toEqual(before);
  expect(await archive()).toEqual((await archive()).map((one) => ({ ...one, outcome: 'left' })));
});

test('a dry run tells and changes nothing; what is younger than asked for stays', async () => {
  await fillLog(under.log, 300);
  const dry = await archiveNow({ pool: under.pool, objects: store.objects, dryRun: true });
  expect(dry.map(({ outcome, goes, stays }) => ({ outcome, all: goes + stays }))).toEqual(
    [1, 2, 3].map(() => ({ outcome: 'planned', all: 200 })),
  );
  const young = await archiveNow({ pool: under.pool, objects: store.objects, before: new Date(Date.now() - 60_000) });
  expect(young.map(({ outcome, goes }) => [outcome, goes])).toEqual([1, 2, 3].map(() => ['left', 0]));
  expect(await rowsLeft()).toBe(600);
  expect(await collect(store.objects.list(''))).toEqual([]);
});

test('a log that is opened without its archive says so instead of skipping what is there', async () => {
  await fillLog(under.log, 200);
  await archive();
  const without = openLog(database.url, { notify: false });
  await expect(everything(without.log)).rejects.toThrow('open the log with the object store');
  await expect(without.log.readStream('command-1')).rejects.toThrow('open the log with the object store');
  expect(await without.log.readStream('command-none')).toEqual([]);
  await without.close();
});
