import { spawnSync } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { freePort } from '#infra/local/free-port.ts';
import { postgresAccount } from '#infra/local/postgres/account.ts';
import { superuser } from '#infra/local/postgres/cluster.ts';
import { launchPostmaster, urlOf } from '#infra/local/postgres/postmaster.ts';

/** A folder of PostgreSQL's programs that has `pg_dump` and `pg_restore`. */
export interface DumpPrograms {
  readonly folder: string;
  /** The major version: servers up to this one can be dumped. */
  readonly version: number;
}

/** Where Debian and its kin keep each version's programs, servers included. */
const debian = '/usr/lib/postgresql';

/** The newest programs on the PATH or where Debian has them; null on a machine without any. */
export function dumpPrograms(): DumpPrograms | null {
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => path.join(debian, version, 'bin')) : [];
  const folders = [...versions, ...(process.env['PATH'] ?? '').split(path.delimiter)];
  const found = folders.flatMap((folder): DumpPrograms[] => {
    const { status, stdout } = spawnSync(path.join(folder, 'pg_dump'), ['--version'], { encoding: 'utf8' });
    const version = /\(PostgreSQL\) (\d+)/.exec(stdout ?? '')?.[1];
    return status === 0 && version !== undefined && existsSync(path.join(folder, 'pg_restore'))
      ? [{ folder, version: Number(version) }]
      : [];
  });
  return found.toSorted((left, right) => right.version - left.version)[0] ?? null;
}

/** A server of one's own, of the version that stands beside these programs. */
export async function serverBeside({ folder }: DumpPrograms): Promise<{ url: string; stop(): Promise<void> }> {
  const home = mkdtempSync(path.join(tmpdir(), 'miniredis-dump-'));
  const data = path.join(home, 'postgres');
  const account = postgresAccount(data);
  mkdirSync(data, { mode: 0o700 });
  if (account !== undefined) for (const each of [home, data]) chownSync(each, account.uid, account.gid);
  const binaries = { initdb: path.join(folder, 'initdb'), postgres: path.join(folder, 'postgres') };
  const args = ['-D', data, '--username', superuser, '--auth', 'trust', '--encoding', 'UTF8', '--locale', 'C'];
  const made = spawnSync(binaries.initdb, args, { cwd: data, encoding: 'utf8', ...account });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const output = openSync(path.join(home, 'postgres.log'), 'a');
  const options = { folder: data, port: await freePort(), password: 'trusted', binaries, account };
  const server = launchPostmaster(options, output);
  closeSync(output);
  await server.ready;
  return {
    url: urlOf(options, 'postgres'),
    async stop() {
      await server.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
