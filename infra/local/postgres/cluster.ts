import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { type Account, reachableName } from './account.ts';
import type { PostgresBinaries } from './binaries.ts';
import { endWorkBelow } from './survivors.ts';

/** The role that owns the platform's databases. */
export const superuser = 'miniredis';

const workshopSuffix = '.initializing-';

/** Makes a database cluster unless the folder holds one. Killed half way it leaves nothing that a second call trips over. */
export async function ensureCluster(
  folder: string,
  binaries: PostgresBinaries,
  account: Account | undefined,
  password: string,
): Promise<void> {
  await sweep(folder);
  if (existsSync(path.join(folder, 'PG_VERSION'))) return;
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Error(
      `${folder} holds something that is no PostgreSQL database: move it away, or restore it from a backup.`,
    );
  }
  // A name of its own each time: where the initdb of a start that was killed can't be found, it may still be at work in the one before.
  const workshop = await mkdtemp(`${folder}${workshopSuffix}`);
  const data = path.join(workshop, 'data');
  const passwordFile = path.join(workshop, 'password');
  await mkdir(data, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account !== undefined)
    for (const name of [workshop, data, passwordFile]) await chown(name, account.uid, account.gid);
  // The built-in locale sorts the same on every machine and needs nothing installed.
  const locale = ['--encoding', 'UTF8', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--locale', 'C'];
  const access = ['--username', superuser, '--pwfile', '../password', '--auth', 'scram-sha-256'];
  await initdb(binaries, account, data, [...access, ...locale]);
  await rename(data, folder);
  await rm(workshop, { recursive: true });
}

/** Removes what killed starts left, as far as nobody works in it any more; the rest goes with a later start. */
async function sweep(folder: string): Promise<void> {
  const prefix = `${path.basename(folder)}${workshopSuffix}`;
  for (const name of readdirSync(path.dirname(folder)).filter((name) => name.startsWith(prefix))) {
    const workshop = path.join(path.dirname(folder), name);
    await endWorkBelow(workshop);
    await rm(workshop, { recursive: true, force: true }).catch(() => {});
  }
}

function initdb(binaries: PostgresBinaries, account: Account | undefined, data: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(binaries.initdb, ['--pgdata', reachableName(account, data), ...args], {
      cwd: data,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      ...account,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`PostgreSQL could not make its database:\n${output.trim()}`));
    });
  });
}
