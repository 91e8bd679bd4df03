import path from 'node:path';

import { secretInFile } from '#infra/files/secret-file.ts';

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
  const password = (await secretInFile(path.join(home, 'postgres.password'))).trim();
  await endSurvivors(folder);
  await ensureCluster(folder, binaries, account, password);
  return { folder, port, password, binaries, account };
}
