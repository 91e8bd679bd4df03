import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { testDatabase } from '#test/tools/postgres.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { archiveNow, everything, fillLog, testObjects, usePartitionsOf } from '../../testing/archived-log.ts';
import { openLog, type LogUnderTest } from '../../testing/log-under-test.ts';
import { ArchivingBusy } from './run.ts';
import { verifyArchives } from './verify.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let store: Awaited<ReturnType<typeof testObjects>>;
let under: LogUnderTest;

beforeEach(async () => {
  database = await testDatabase();
  store = await testObjects();
  under = openLog(database.url, { notify: false, objects: store.objects });
  await usePartitionsOf(under.pool, 100);
  await fillLog(under.log, 200);
});
afterEach(async () => {
  await under.close();
  await database.drop();
  store.drop();
});

const program = fileURLToPath(import.meta.resolve('../../testing/archiver.ts'));

async function archiverThatDies(step: string, passed: number): Promise<void> {
  const child = spawn(process.execPath, [program, database.url, store.folder, step, String(passed)], {
    stdio: 'inherit',
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
}

/** PostgreSQL takes a moment to notice that a connection has gone, and to let go of its lock. */
async function archiveWhenFree() {
  for (;;) {
    try {
      return await archiveNow({ pool: under.pool, objects: store.objects });
    } catch (error) {
      if (!(error instanceof ArchivingBusy)) throw error;
      await sleep(20);
    }
  }
}

test('killed before any step, in the first partition and in a later one, a run has lost and doubled nothing; the next goes on', async () => {
  const before = await everything(under.log);
  let doomed = 0;
  for (const step of ['write', 'verify', 'seal', 'rewrite', 'swap', 'done']) {
    await archiverThatDies(step, doomed % 2);
    doomed += 1;
    expect(await everything(under.log)).toEqual(before);
  }
  await archiveWhenFree();
  expect(await everything(under.log)).toEqual(before);
  for await (const { flaw } of verifyArchives(under.pool, store.objects)) expect(flaw).toBeNull();
  const { rows } = await under.pool.query<{ live: bigint; archived: bigint; orphans: bigint }>(
    `SELECT (SELECT count(*) FROM events) AS live, (SELECT sum(events) FROM event_archives)::bigint AS archived,
       (SELECT count(*) FROM pg_class WHERE relname LIKE 'events\\_rewritten%' AND relkind = 'r'
          AND NOT EXISTS (SELECT FROM event_partitions WHERE name = relname)) AS orphans`,
  );
  expect(rows[0]).toMatchObject({ orphans: 0n });
  expect((rows[0]?.live ?? 0n) + (rows[0]?.archived ?? 0n)).toBe(400n);
}, 60_000);

test('of two runs at a time one goes home', async () => {
  const both = await Promise.allSettled([1, 2].map(() => archiveNow({ pool: under.pool, objects: store.objects })));
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
});

test('a file that was changed afterwards is found, and not read as if nothing had happened', async () => {
  await archiveWhenFree();
  const { rows } = await under.pool.query<{ file_key: string }>('SELECT file_key FROM event_archives WHERE number = 2');
  const key = rows[0]?.file_key ?? '';
  const chunks: Buffer[] = [];
  for await (const chunk of await store.objects.get(key)) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const middle = Math.floor(bytes.length * 0.8);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await store.objects.put(
    key,
    (async function* () {
      yield await Promise.resolve(bytes);
    })(),
  );
  const flaws: (string | null)[] = [];
  for await (const { flaw } of verifyArchives(under.pool, store.objects)) flaws.push(flaw);
  expect(flaws.filter((flaw) => flaw !== null).length).toBe(1);
  const fresh = openLog(database.url, { notify: false, objects: store.objects });
  await expect(everything(fresh.log)).rejects.toThrow('its hash is not that of the manifest');
  await fresh.close();
});
