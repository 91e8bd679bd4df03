import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { postgresAccount } from './account.ts';
import { postgresBinaries } from './binaries.ts';
import { ensureCluster } from './cluster.ts';
import type { PostmasterOptions } from './postmaster.ts';
import { endSurvivors } from './survivors.ts';

/** Everything a server of this home needs to be started: programs, account, password, cluster; made where it is missing. */
export async function preparePostgres(home: string, port: number): Promise<PostmasterOptions> {
  const folder = path.join(home, 'postgres');
  const account = postgresAccount(folder);
  const binaries = await postgresBinaries(account);
  const password = secret(path.join(home, 'postgres.password'));
  await endSurvivors(folder);
  await ensureCluster(folder, binaries, account, password);
  return { folder, port, password, binaries, account };
}

/** The secret kept in a file, made on first use; the exclusive create keeps the mode right from the first byte. */
function secret(file: string): string {
  try {
    const fd = openSync(file, 'wx', 0o600);
    writeFileSync(fd, `${randomBytes(32).toString('hex')}\n`);
    closeSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8').trim();
}
