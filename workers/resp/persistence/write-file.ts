import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { syncFolder } from './wal/segment.ts';

/**
 * Writes a file beside its place and puts it there once it is on the disk, so that a crash leaves the old file or the whole
 * new one. Returns its size.
 */
export async function writeWholeFile(file: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const temporary = join(dirname(file), `temp-${process.pid}-${basename(file)}`);
  const handle = await open(temporary, 'w', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      await handle.appendFile(chunk);
      bytes += chunk.length;
    }
    await handle.datasync();
    await rename(temporary, file);
    await syncFolder(dirname(file));
    return bytes;
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  } finally {
    await handle.close();
  }
}
