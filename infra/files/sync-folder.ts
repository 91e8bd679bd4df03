import { open } from 'node:fs/promises';

/** Puts on the disk which names a folder holds: a file that was made or renamed survives a power failure only after this. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
