import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { freePort } from '#infra/local/free-port.ts';
import { launchPostmaster, urlOf } from '#infra/local/postgres/postmaster.ts';
import { preparePostgres } from '#infra/local/postgres/prepare.ts';
import { endSurvivors } from '#infra/local/postgres/survivors.ts';
import { identify, isAlive, type ProcessIdentity } from '#infra/process/identity.ts';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The administrator's connection string of the PostgreSQL server this run's tests share. */
    readonly postgresUrl: string;
  }
}

const prefix = 'miniredis-test-';

/** One real PostgreSQL, with fsync on, for all test files of a run; each test clones a database of its own from a template. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeAbandoned();
  const home = mkdtempSync(path.join(tmpdir(), prefix));
  writeFileSync(path.join(home, 'owner.json'), JSON.stringify(identify(process.pid)));
  const log = openSync(path.join(home, 'postgres.log'), 'a');
  const options = await preparePostgres(home, await freePort());
  const postmaster = launchPostmaster(options, log);
  await postmaster.ready;
  project.provide('postgresUrl', urlOf(options, 'postgres'));
  return async () => {
    await postmaster.stop();
    rmSync(home, { recursive: true, force: true });
  };
}

/** A run that was killed leaves its server behind; the next run clears it away. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const home = path.join(tmpdir(), name);
    let owner: ProcessIdentity;
    try {
      owner = JSON.parse(readFileSync(path.join(home, 'owner.json'), 'utf8')) as ProcessIdentity;
    } catch {
      continue;
    }
    if (isAlive(owner)) continue;
    await endSurvivors(path.join(home, 'postgres'));
    rmSync(home, { recursive: true, force: true });
  }
}
