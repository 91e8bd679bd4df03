import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

import { syncFolder } from '#infra/files/sync-folder.ts';

import {
  assertObjectKey,
  ObjectMissing,
  type ListedObject,
  type ObjectStore,
  type StoredObject,
} from './object-store.ts';
import { sweepUploads, uploadName } from './uploads.ts';

/** Where uploads grow until they are whole. Keys can't start with a dot, so none can name a file in here. */
const uploadsFolder = '.uploads';

/**
 * Objects as files of a directory, which many processes may share. An upload grows beside the objects and is renamed
 * into place, so an object is whole or absent whenever the power goes.
 */
export async function openDirectoryStore(root: string): Promise<ObjectStore> {
  const folder = path.resolve(root);
  const uploads = path.join(folder, uploadsFolder);
  await mkdir(uploads, { recursive: true, mode: 0o700 });
  await sweepUploads(uploads);
  const fileOf = (key: string) => {
    assertObjectKey(key);
    return path.join(folder, ...key.split('/'));
  };

  return {
    async put(key, content) {
      const target = fileOf(key);
      const upload = path.join(uploads, uploadName());
      try {
        const stored = await write(upload, content);
        await makeFolder(path.dirname(target), folder);
        await rename(upload, target);
        await syncFolder(path.dirname(target));
        return stored;
      } catch (error) {
        await rm(upload, { force: true });
        throw error;
      }
    },
    async get(key, range) {
      const file = await openObject(fileOf(key), key);
      // A file's stream ends with the byte it names last.
      const part = range === undefined ? {} : { start: range.start, end: range.end - 1 };
      return file.createReadStream({ highWaterMark: 64 * 1024, ...part });
    },
    async head(key) {
      const found = await stat(fileOf(key)).catch(unlessMissing);
      return found?.isFile() === true ? { bytes: found.size } : null;
    },
    async delete(key) {
      const target = fileOf(key);
      const found = await stat(target).catch(unlessMissing);
      if (found?.isFile() !== true) return;
      // Not rm: of a file that may not go it says that it is no folder.
      await unlink(target).catch(unlessMissing);
      await syncFolder(path.dirname(target));
    },
    list: (prefix) => list(folder, prefix),
  };
}

async function write(file: string, content: AsyncIterable<Uint8Array>): Promise<StoredObject> {
  const handle = await open(file, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of content) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      await writeAll(handle, chunk);
    }
    await handle.sync();
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

/** A write may take less than it was given. */
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.byteLength;) {
    const { bytesWritten } = await handle.write(chunk, offset);
    offset += bytesWritten;
  }
}

/** Makes the folder, and sees to it that its name in every folder above, up to the root, is on disk: who made it may not have got to that. */
async function makeFolder(folder: string, root: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (let made = folder; made !== root; made = path.dirname(made)) await syncFolder(path.dirname(made));
}

async function openObject(file: string, key: string): Promise<FileHandle> {
  const handle = await open(file, 'r').catch(unlessMissing);
  if (handle === undefined) throw new ObjectMissing(key);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new ObjectMissing(key);
}

async function* list(root: string, prefix: string): AsyncGenerator<ListedObject> {
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const entries: Dirent[] =
      (await readdir(path.join(root, folder), { withFileTypes: true }).catch(unlessMissing)) ?? [];
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const key = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && (key.startsWith(prefix) || prefix.startsWith(`${key}/`))) pending.push(key);
      if (!entry.isFile() || !key.startsWith(prefix)) continue;
      const found = await stat(path.join(root, key)).catch(unlessMissing);
      if (found !== undefined) yield { key, bytes: found.size };
    }
  }
}

function unlessMissing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}
