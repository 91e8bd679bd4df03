import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { freePort } from '#infra/local/free-port.ts';
import type { Launched } from '#infra/local/launch.ts';
import { postgresAccount } from '#infra/local/postgres/account.ts';
import { installedPackage, postgresBinaries } from '#infra/local/postgres/binaries.ts';
import { launchPostmaster, type PostmasterOptions, urlOf } from '#infra/local/postgres/postmaster.ts';
import { preparePostgres } from '#infra/local/postgres/prepare.ts';
import { endSurvivors } from '#infra/local/postgres/survivors.ts';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';

let top: string;
let home: string;
let options: PostmasterOptions | undefined;

/** The home lies in a folder that is closed to everyone else, like one under /root. */
beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'postgres-'));
  chmodSync(top, 0o700);
  home = path.join(top, 'home');
  mkdirSync(home);
});

afterEach(async () => {
  if (options !== undefined) await endSurvivors(options.folder);
  rmSync(top, { recursive: true, force: true });
});

async function prepare(): Promise<PostmasterOptions> {
  options = await preparePostgres(home, options?.port ?? (await freePort()));
  return options;
}

async function start(prepared: PostmasterOptions): Promise<Launched> {
  const log = openSync(path.join(home, 'postgres.log'), 'a');
  const postmaster = launchPostmaster(prepared, log);
  closeSync(log);
  await postmaster.ready;
  return postmaster;
}

async function connect(prepared: PostmasterOptions): Promise<Client> {
  const client = new Client({ connectionString: urlOf(prepared, 'postgres') });
  client.on('error', () => {});
  await client.connect();
  return client;
}

test('a first start in a closed folder, a clean stop, a later start: data and password stay, modes of folders too', async () => {
  const first = await prepare();
  const postmaster = await start(first);
  const client = await connect(first);
  await client.query('CREATE TABLE kept AS SELECT 1 AS n');
  await client.end();
  await postmaster.stop();
  expect(await postmaster.exited).toBe('exit code 0');
  expect(statSync(top).mode & 0o777).toBe(0o700);

  const second = await prepare();
  expect(second.password).toBe(first.password);
  const again = await start(second);
  const reader = await connect(second);
  expect((await reader.query('SELECT n FROM kept')).rows).toEqual([{ n: 1 }]);
  await reader.end();
  await again.stop();
});

test('only the right password is let in, and only over loopback', async () => {
  const prepared = await prepare();
  const postmaster = await start(prepared);
  await expect(connect({ ...prepared, password: 'guess' })).rejects.toThrow(/password/);
  const client = await connect(prepared);
  expect((await client.query('SHOW listen_addresses')).rows).toEqual([{ listen_addresses: '127.0.0.1' }]);
  await client.end();
  await postmaster.stop();
});

test('kill -9 of the postmaster while a back end works on: the next start does not wait for it, and loses nothing', async () => {
  const prepared = await prepare();
  const postmaster = await start(prepared);
  const client = await connect(prepared);
  await client.query('CREATE TABLE kept AS SELECT 1 AS n');
  // A computation that never looks up: it would hold the shared memory for minutes.
  const busy = await connect(prepared);
  const working = busy.query('SELECT count(*) FROM generate_series(1, 100000000000) a').catch((error: Error) => error);
  await client.query('SELECT pg_sleep(0.2)');
  process.kill(postmaster.pid, 'SIGKILL');
  await postmaster.exited;
  expect(existsSync(path.join(prepared.folder, 'postmaster.pid'))).toBe(true);

  const killedAt = performance.now();
  await endSurvivors(prepared.folder);
  const again = await start(prepared);
  expect(performance.now() - killedAt).toBeLessThan(15_000);
  expect(await working).toBeInstanceOf(Error);
  const reader = await connect(prepared);
  expect((await reader.query('SELECT n FROM kept')).rows).toEqual([{ n: 1 }]);
  await reader.end();
  await again.stop();
});

test('a server whose supervisor was killed is ended by the next one, and servers of other folders are left alone', async () => {
  const prepared = await prepare();
  const survivor = await start(prepared);
  const otherHome = path.join(top, 'other');
  mkdirSync(otherHome);
  const other = await preparePostgres(otherHome, await freePort());
  const bystander = await start(other);

  await prepare();
  expect(await survivor.exited).toBe('exit code 0');
  const client = await connect(other);
  await client.end();
  await bystander.stop();
});

test('an initdb that was killed half way is done again', async () => {
  mkdirSync(path.join(home, 'postgres.initializing-a1b2c3/data/base'), { recursive: true });
  const postmaster = await start(await prepare());
  await postmaster.stop();
  expect(readdirSync(home).toSorted()).toEqual(['postgres', 'postgres.log', 'postgres.password']);
});

test('a folder that holds something else is not touched', async () => {
  mkdirSync(path.join(home, 'postgres/precious'), { recursive: true });
  await expect(preparePostgres(home, await freePort())).rejects.toThrow(/no PostgreSQL database/);
  expect(existsSync(path.join(home, 'postgres/precious'))).toBe(true);
});

test('programs in a clone that is closed to PostgreSQL’s account run from a copy, links made', async () => {
  const installed = installedPackage();
  const closed = path.join(top, 'package');
  cpSync(installed.root, closed, { recursive: true, verbatimSymlinks: true });
  // As an install without scripts leaves it.
  for (const name of readdirSync(path.join(closed, 'native/lib'), { withFileTypes: true })) {
    if (name.isSymbolicLink()) rmSync(path.join(name.parentPath, name.name));
  }
  const account = postgresAccount(path.join(home, 'postgres'));
  const { initdb } = await postgresBinaries(account, { root: closed, version: `test-${process.pid}` });
  const copy = path.dirname(path.dirname(path.dirname(initdb)));
  expect(path.basename(copy)).toBe(`postgresql-test-${process.pid}`);
  expect(existsSync(path.join(copy, 'native/lib/libpq.so.5'))).toBe(true);
  rmSync(copy, { recursive: true });
});
