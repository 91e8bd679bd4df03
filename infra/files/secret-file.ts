import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import path from 'node:path';

import { syncFolder } from './sync-folder.ts';

/**
 * The text of a file that holds a secret; where there is none yet, one with 256 random bits in hexadecimal digits is made, with mode
 * 0600. The file appears whole or not at all, and only once: a process that is killed meanwhile leaves nothing that the next one
 * takes for a secret, and processes that start at the same moment end up with the same one.
 */
export async function secretInFile(file: string): Promise<string> {
  const text = await readIfThere(file);
  if (text !== null) return text;
  await makeSecretFile(file);
  return readFile(file, 'utf8');
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function makeSecretFile(file: string): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true });
  const draft = path.join(folder, `.${path.basename(file)}.${randomBytes(6).toString('hex')}`);
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(32).toString('hex')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(draft, file);
    await syncFolder(folder);
  } catch (error) {
    // Another process was first; its secret is the one that counts.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}
