import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { exportKeys, importKeys } from '#infra/crypto/key-backup.ts';
import { underMasterKey } from '#infra/crypto/key-encryption.ts';
import type { Consumer } from '#infra/event-log/consumers/consumer.ts';
import { startConsumer } from '#infra/event-log/consumers/member.ts';
import { listParked, requestReplay } from '#infra/event-log/consumers/parked.ts';
import { archiveNow, everything, testObjects, usePartitionsOf } from '#infra/event-log/testing/archived-log.ts';
import { masterKey, openLog, type LogUnderTest } from '#infra/event-log/testing/log-under-test.ts';
import { ensureDatabase } from '#infra/local/postgres/postmaster.ts';
import { createLog } from '#infra/logging/log.ts';
import { migrate } from '#infra/postgres/migrate.ts';
import { readCheckpoints } from '#projections/kernel/checkpoints.ts';
import { waitForHead } from '#projections/kernel/consistency.ts';
import { runProjections } from '#projections/kernel/runner.ts';
import { verify } from '#projections/kernel/verify.ts';
import { allViews } from '#projections/views.ts';
import { appendsOf, wishes } from '#test/tools/histories.ts';
import { dumpPrograms, serverBeside, type DumpPrograms } from '#test/tools/postgres-dump.ts';
import { dropDatabase, urlOf } from '#test/tools/postgres.ts';
import { appendAll, until } from '#test/tools/read-side.ts';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { expect, inject, test } from 'vitest';

const run = promisify(execFile);
const logger = createLog('test', process.env['DEBUG_LOG'] ?? 'silent');
const names = allViews.map(({ name }) => name);

const programs = dumpPrograms();
if (programs === null) console.warn('No pg_dump was found on this machine: dumping and restoring is not tested here.');

/** A server that these programs can dump: that of the run, or where they are older, the one that came with them. */
async function serverFor(dump: DumpPrograms): Promise<{ url: string; stop(): Promise<void> }> {
  const url = inject('postgresUrl');
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::integer / 10000 AS version`,
  );
  await client.end();
  return dump.version >= (rows[0]?.version ?? 0) ? { url, stop: async () => {} } : serverBeside(dump);
}

/** A group that can't handle one of its events; `done` is what it has handled. */
function effects(done: RecordedEvent[], poison: { id: string | null }): Consumer {
  return {
    name: 'dumped',
    categories: ['node'],
    types: ['NodeRequested', 'NodeStarted', 'NodeStopRequested', 'NodeResized', 'NodeDeleted'],
    policy: { attempts: 1, delayMin_ms: 1, delayMax_ms: 1 },
    isTransient: () => false,
    async handle(event) {
      if (event.type === 'NodeResized') poison.id ??= event.eventId;
      if (event.eventId === poison.id) throw new Error('It can not be handled.');
      done.push(event);
    },
  };
}

test.skipIf(programs === null)(
  'a dump made under load, restored elsewhere, goes on from its checkpoints: views, consumer groups, repeats, archives',
  async () => {
    const { dump, url, copyUrl, folder, drop } = await placesForDump();
    const store = await testObjects();
    const open: LogUnderTest[] = [];
    const openOn = (where: string) => {
      const under = openLog(where, { max: 20, objects: store.objects });
      open.push(under);
      return under;
    };
    try {
      await migrate(url);
      const appends = appendsOf(
        fc.sample(wishes({ minLength: 700, maxLength: 700 }), { seed: 5, numRuns: 1 })[0] ?? [],
      );

      const original = openOn(url);
      await usePartitionsOf(original.pool, 100);
      await appendAll(original.log, appends.slice(0, 300));
      const archived = await archiveNow({ ...original, objects: store.objects, closedBy: { command: 'always' } });
      expect(archived.some(({ outcome }) => outcome === 'archived')).toBe(true);
      const done: RecordedEvent[] = [];
      const poison = { id: null };
      const consumer = effects(done, poison);
      const parts = { consumer, log: original.log, pool: original.pool, logger, shards: 4, lease_ms: 1000 };
      const [member, projections] = [
        startConsumer(parts),
        runProjections(original.log, original.pool, allViews, logger),
      ];
      await until(async () => (await listParked(original.pool, {})).length > 0, 'a stream is parked', 30_000);

      expect(await waitForHead(original.pool, names, 30_000)).toMatchObject({ reached: true });

      const file = path.join(folder, 'log.dump');
      const loading = appendAll(original.log, appends.slice(300, 600));
      await sleep(100);
      await run(path.join(dump.folder, 'pg_dump'), ['--format=custom', `--file=${file}`, url]);
      await loading;
      const all = await everything(original.log);
      const before = [...done];
      await Promise.all([member.stop(), projections.stop()]);

      await run(path.join(dump.folder, 'pg_restore'), ['--exit-on-error', `--dbname=${copyUrl}`, file]);
      const restored = openOn(copyUrl);
      const kept = await everything(restored.log);
      expect(kept.length).toBeGreaterThan(300);
      expect(kept).toEqual(all.slice(0, kept.length));
      for (const { position } of await readCheckpoints(restored.pool)) {
        expect(position).toBeGreaterThan(0n);
        expect(position).toBeLessThanOrEqual(BigInt(kept.length));
      }

      const { rows: shards } = await restored.pool.query<{ position: bigint }>('SELECT position FROM consumer_shards');
      const dealtWith = shards.map(({ position }) => position).reduce((least, each) => (each < least ? each : least));
      const parked = new Set((await listParked(restored.pool, {})).map(({ stream }) => stream));
      expect(parked.size).toBeGreaterThan(0);

      // What the dump has is recognised, what it does not have is recorded, at the same positions as before.
      await appendAll(restored.log, appends);
      expect((await everything(restored.log)).slice(0, all.length).map(placed)).toEqual(all.map(placed));
      const again: RecordedEvent[] = [];
      const goesOn = runProjections(restored.log, restored.pool, allViews, logger);
      const rejoined = startConsumer({
        ...parts,
        consumer: effects(again, poison),
        log: restored.log,
        pool: restored.pool,
      });
      expect(await waitForHead(restored.pool, names, 30_000)).toMatchObject({ reached: true });
      for (const view of allViews)
        expect(await verify(restored.log, restored.pool, view)).toMatchObject({ same: true });

      const wanted = (await everything(restored.log)).filter(
        ({ stream, type }) => stream.startsWith('node-') && consumer.types.includes(type),
      );
      poison.id = '' as never;
      await until(
        async () => {
          await requestReplay(restored.pool, { group: consumer.name });
          const seen = new Set([...before, ...again].map(({ eventId }) => eventId));
          return wanted.every(({ eventId }) => seen.has(eventId)) && (await listParked(restored.pool, {})).length === 0;
        },
        'every effect, before the dump or after it',
        30_000,
      );
      // In order within a stream, and nothing comes again that every shard had dealt with.
      const versions = new Map<string, number>();
      for (const { stream, version, position } of again) {
        expect(version).toBeGreaterThan(versions.get(stream) ?? -1);
        versions.set(stream, version);
        if (!parked.has(stream)) expect(position).toBeGreaterThan(dealtWith);
      }
      expect(await archiveNow({ ...restored, objects: store.objects, closedBy: { command: 'always' } })).not.toEqual(
        [],
      );
      expect((await everything(restored.log)).slice(0, all.length).map(placed)).toEqual(all.map(placed));
      await Promise.all([goesOn.stop(), rejoined.stop()]);
    } finally {
      await Promise.all(open.map((under) => under.close()));
      store.drop();
      await drop();
    }
  },
  300_000,
);

test.skipIf(programs === null)(
  'a dump for keeping, without keys and read models, says nothing personal; with the keys it is whole again',
  async () => {
    const { dump, url, copyUrl, folder, drop } = await placesForDump();
    try {
      await migrate(url);
      const original = openLog(url);
      const names = ['Ada Lovelace', 'Grace Hopper'];
      const created = [0, 1].map((tenant) => ({ verb: 'createTenant' as const, tenant, thing: 0, amount: 1 }));
      for (const [n, { streams, ...append }] of appendsOf(created).entries()) {
        const named = streams.map(({ events, ...rest }) => ({
          ...rest,
          events: events.map((event) => rename(event, names[n])),
        }));
        await original.log.append({ ...append, streams: named });
      }
      const views = runProjections(original.log, original.pool, allViews, logger);
      expect(await waitForHead(original.pool, ['tenants'], 30_000)).toMatchObject({ reached: true });
      await views.stop();

      // As docs/operations.md has it.
      const file = path.join(folder, 'log.sql');
      const without = ['--exclude-table-data=subject_keys', '--exclude-schema=views'];
      await run(path.join(dump.folder, 'pg_dump'), [...without, '--format=custom', `--file=${file}`, url]);
      const { stdout: text } = await run(path.join(dump.folder, 'pg_restore'), ['--file=-', file], {
        maxBuffer: 2 ** 28,
      });
      expect(text).toContain('TenantCreated');
      for (const secret of [
        ...names,
        ...names.map((name) => Buffer.from(name).toString('hex')),
        '3132372e302e302e31',
        '127.0.0.1',
      ]) {
        expect(text).not.toContain(secret);
      }

      await run(path.join(dump.folder, 'pg_restore'), ['--exit-on-error', `--dbname=${copyUrl}`, file]);
      const restored = openLog(copyUrl);
      const [first] = await restored.log.readStream('tenant-tnt_00000000000000000000000000');
      expect(first).toMatchObject({ type: 'TenantCreated', data: { name: null }, metadata: { address: null } });
      await restored.close();
      const keys = openLog(copyUrl);
      const lines = exportKeys(original.pool);
      await importKeys(keys.pool, underMasterKey(masterKey), lines);
      const again = runProjections(keys.log, keys.pool, allViews, logger);
      expect(await waitForHead(keys.pool, ['tenants'], 30_000)).toMatchObject({ reached: true });
      const { rows } = await keys.pool.query<{ name: string }>('SELECT name FROM views.tenants ORDER BY name');
      expect(rows.map(({ name }) => name)).toEqual(names);
      await again.stop();
      await Promise.all([original.close(), keys.close()]);
    } finally {
      await drop();
    }
  },
  300_000,
);

function rename(event: DomainEvent, name = ''): DomainEvent {
  return event.type === 'TenantCreated' ? { ...event, data: { ...(event.data as object), name } } : event;
}

/** An event without the time at which it was recorded. */
function placed(event: RecordedEvent): unknown {
  return { ...event, recordedAt: null };
}

/** Where a test dumps a database, and restores it as another. */
async function placesForDump() {
  const dump = programs as DumpPrograms;
  const server = await serverFor(dump);
  const id = Math.random().toString(36).slice(2, 8);
  const names = [`dumped_${id}`, `restored_${id}`] as const;
  const [url, copyUrl] = [urlOf(server.url, names[0]), urlOf(server.url, names[1])];
  const folder = mkdtempSync(path.join(tmpdir(), 'miniredis-dump-file-'));
  for (const name of names) await ensureDatabase(server.url, name);
  const drop = async () => {
    rmSync(folder, { recursive: true, force: true });
    for (const name of names) await dropDatabase(server.url, name);
    await server.stop();
  };
  return { dump, url, copyUrl, folder, drop };
}
