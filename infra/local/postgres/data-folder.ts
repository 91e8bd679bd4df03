import { createHash, randomBytes } from 'node:crypto';
import { existsSync, lstatSync } from 'node:fs';
import { chown, cp, lstat, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';

import { sharedFolder } from '../cache-folder.ts';
import { type Account, canEnter } from './account.ts';

/**
 * The folder that holds the home's database: `<home>/postgres`. Where PostgreSQL's account cannot reach the home (it lies under
 * a closed folder such as /root), the data stands in a folder of its own under /var/lib/miniredis and `<home>/postgres` is a link
 * to it, because the modes of the user's folders are not ours to change.
 */
export async function dataFolder(home: string, account: Account | undefined): Promise<string> {
  const inHome = path.join(home, 'postgres');
  const kind = lstatSync(inHome, { throwIfNoEntry: false });
  if (kind?.isSymbolicLink() === true) {
    const target = path.resolve(home, await readlink(inHome));
    if (existsSync(path.dirname(target))) return target;
    throw new Error(
      `${inHome} points to ${target}, which is gone: bring that folder back, or remove the link to start with an empty database.`,
    );
  }
  if (canEnter(account, home)) return inHome;

  const shared = await makeSharedFolder(home);
  const target = path.join(shared, 'postgres');
  if (kind !== undefined) await move(inHome, target);
  await symlink(target, inHome);
  return target;
}

/** Named after the home for whoever looks around, and made unique so that a home made anew never meets the data of the old one. */
async function makeSharedFolder(home: string): Promise<string> {
  const hash = createHash('sha256').update(home).digest('hex').slice(0, 12);
  const folder = path.join(sharedFolder, `${hash}-${randomBytes(4).toString('hex')}`);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  return folder;
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await cp(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    await copyOwners(from, to);
    await rm(from, { recursive: true });
  }
}

async function copyOwners(from: string, to: string): Promise<void> {
  for (const name of ['.', ...(await readdir(from, { recursive: true }))]) {
    const { uid, gid } = await lstat(path.join(from, name));
    await chown(path.join(to, name), uid, gid);
  }
}
