import { setTimeout as sleep } from 'node:timers/promises';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { archiveNow, everything, fillLog, testObjects, usePartitionsOf } from '../testing/archived-log.ts';
import { appendOf, openLog, said, type LogUnderTest } from '../testing/log-under-test.ts';
import { runWriters } from '../testing/writers.ts';
import { isTransient } from './transient.ts';
import { makeSearchable } from './archiving/searchable.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let store: Awaited<ReturnType<typeof testObjects>>;
let under: LogUnderTest;

beforeEach(async () => {
  database = await testDatabase();
  store = await testObjects();
  under = openLog(database.url, { objects: store.objects });
});
afterEach(async () => {
  await under.close();
  await database.drop();
  store.drop();
});

/** What is wrong with events as a reader saw them: gaps, repetitions, a stream's versions out of order. */
function flawsIn(
  events: readonly Pick<RecordedEvent, 'position' | 'stream' | 'version'>[],
  gapless: boolean,
): string[] {
  const flaws: string[] = [];
  const versions = new Map<string, number>();
  let before = 0n;
  for (const { position, stream, version } of events) {
    if (gapless ? position !== before + 1n : position <= before) flaws.push(`position ${position} after ${before}`);
    before = position;
    const expected = (versions.get(stream) ?? -1) + 1;
    if (version !== expected) flaws.push(`${stream} at version ${version} instead of ${expected}`);
    versions.set(stream, version);
  }
  return flaws;
}

/** Does something again and again until the signal is given; what a killed connection makes of it does not matter. */
async function again(signal: AbortSignal, pause_ms: number, work: () => Promise<unknown>): Promise<number> {
  let times = 0;
  while (!signal.aborted) {
    try {
      await work();
      times += 1;
    } catch (error) {
      if (!isTransient(error)) throw error;
    }
    await sleep(pause_ms);
  }
  return times;
}

test('hundreds of writers in several processes, conflicts, killed backends and archiving all at once: every reader sees every event once and in order', async () => {
  await usePartitionsOf(under.pool, 400);
  await under.log.append(appendOf(['node-shared', 'any', said('first')]));
  const done = new AbortController();
  const followers = [{}, { filter: { categories: ['node'] } }, { filter: { types: ['NodeFailed'] } }].map((options) => {
    const reader = openLog(database.url, { name: 'storm reader', objects: store.objects });
    const seen: RecordedEvent[] = [];
    const { ended } = reader.log.subscribe({
      after: 0n,
      batchSize: 100,
      ...options,
      handle: (batch) => Promise.resolve(void seen.push(...batch)),
    });
    return { reader, seen, ended };
  });
  const archiver = openLog(database.url, { name: 'storm archiver' });
  const side = [
    again(done.signal, 20, () =>
      archiveNow({
        pool: archiver.pool,
        objects: store.objects,
        closedBy: { node: 'always' },
        before: new Date(Date.now() + 60_000),
      }),
    ),
    again(done.signal, 30, () => makeSearchable(under.pool)),
    // Whoever starts from the beginning in the middle of it all.
    again(done.signal, 10, async () => expect(flawsIn(await everything(under.log), true)).toEqual([])),
    // What is refused is rolled back by the store, and leaves nothing.
    again(done.signal, 5, async () => {
      const [own, shared] = [said('refused'), said('refused')];
      const result = await under.log.append(
        appendOf(['node-refused', 'any', own], ['node-shared', 'no-stream', shared]),
      );
      if (result.ok) throw new Error('A conflict was not seen.');
    }),
    again(done.signal, 200, () =>
      under.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND random() < CASE
           WHEN application_name IN ('storm reader', 'p1', 'p2', 'p3') THEN 0.5 WHEN application_name = 'storm archiver' THEN 0.03 END`,
      ),
    ),
  ];
  const acknowledged = (
    await Promise.all(['p1', 'p2', 'p3'].map((name) => runWriters(database.url, name, 100, 8)))
  ).flat();
  done.abort();
  const [archived, searchable, reads] = await Promise.all(side);
  expect([archived, searchable, reads].every((times) => (times ?? 0) > 0)).toBe(true);

  // Half of the 2,400 appends have two events and half have one; the first one is ours.
  expect(acknowledged.length).toBe(2_400);
  expect(await under.log.head()).toBe(3_601n);
  const all = await everything(under.log);
  expect(flawsIn(all, true)).toEqual([]);
  expect(new Set(all.map(({ eventId }) => eventId)).size).toBe(3_601);
  for (const { id, first, last } of acknowledged) {
    for (const { data } of all.slice(Number(first) - 1, Number(last))) expect(data).toMatchObject({ reason: id });
  }
  for (const { reader, seen, ended } of followers) {
    // One that halted says why.
    await Promise.race([ended, expect.poll(() => seen.at(-1)?.position, { timeout: 20_000 }).toBe(3_601n)]);
    expect(seen.map(({ eventId }) => eventId)).toEqual(all.map(({ eventId }) => eventId));
    await reader.close();
  }
  const { rows } = await under.pool.query<{ archives: bigint }>('SELECT count(*) AS archives FROM event_archives');
  expect(rows[0]?.archives).toBeGreaterThan(0n);
  await archiver.close();
}, 180_000);

test('a database that was copied goes on where the other one was: checkpoints, ids, versions and archives hold', async () => {
  await usePartitionsOf(under.pool, 200);
  const command = appendOf(['command-first', 'no-stream', said('first')]);
  const first = await under.log.append(command);
  await fillLog(under.log, 300);
  await archiveNow({ pool: under.pool, objects: store.objects });
  await fillLog(under.log, 100, 300);
  const before = await everything(under.log);
  const checkpoint = 450n;
  await under.close();

  // What a dump is in PostgreSQL's own files: the platform's binaries have no pg_dump.
  const copy = await testDatabase();
  const [from, to] = [database.url, copy.url].map((url) => new URL(url).pathname.slice(1));
  const admin = openLog(database.url.replace(/\/[^/]*$/, '/postgres'));
  await admin.pool.query(`DROP DATABASE "${to}" WITH (FORCE)`);
  await admin.pool.query(`CREATE DATABASE "${to}" TEMPLATE "${from}" STRATEGY file_copy`);
  await admin.close();

  under = openLog(copy.url, { objects: store.objects });
  expect(await everything(under.log)).toEqual(before);
  const seen: RecordedEvent[] = [];
  under.log.subscribe({ after: checkpoint, handle: (batch) => Promise.resolve(void seen.push(...batch)) });
  expect(await under.log.append(command)).toEqual({ ...first, repeated: true });
  await fillLog(under.log, 100, 400);
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(before.length - Number(checkpoint) + 200);
  expect(seen.map(({ position }) => position)).toEqual(seen.map((_, n) => checkpoint + 1n + BigInt(n)));
  await archiveNow({ pool: under.pool, objects: store.objects });
  expect(flawsIn(await everything(under.log), true)).toEqual([]);
  await under.close();
  await copy.drop();
  under = openLog(database.url);
});

test('positions keep every digit beyond what a JavaScript number can count', async () => {
  const beyond = 2n ** 53n;
  await under.pool.query(
    `UPDATE head SET position = ${beyond}, next_partition = partitions_up_to(${beyond}, ${beyond}, partition_size)`,
  );
  const results = await Promise.all(
    [1, 2, 3].map((n) => under.log.append(appendOf([`node-${n}`, 'no-stream', said(String(n))]))),
  );
  expect(results.map((result) => (result.ok ? result.lastPosition : null))).toEqual(
    [1n, 2n, 3n].map((n) => beyond + n),
  );
  const batches: bigint[] = [];
  for await (const batch of under.log.readAll({ after: beyond }))
    batches.push(...batch.map(({ position }) => position));
  expect(batches).toEqual([beyond + 1n, beyond + 2n, beyond + 3n]);
  expect(await under.log.readStream('node-3')).toMatchObject([{ position: beyond + 3n }]);
});
