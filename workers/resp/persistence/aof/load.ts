import { createReadStream } from 'node:fs';
import { open, rename, stat, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { Node } from '../../keyspace/node.ts';
import { loadRdb } from '../load.ts';
import { makeFolder, syncFolder } from '../wal/segment.ts';
import { NO_MANIFEST, readManifest, writeManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { readCommands } from './read.ts';
import type { ApplyCommand } from './read.ts';

/** Where an append-only log lies, and how it is read. */
export interface AofPlace {
  /** The server's working folder, where versions before 7 kept the one file there was. */
  readonly dir: string;
  /** The folder in it that holds the files. */
  readonly folderName: string;
  readonly fileName: string;
  /** Whether an end that was cut short is removed, or refused. */
  readonly loadTruncated: boolean;
}

/** What was loaded. */
export interface LoadedAof {
  readonly manifest: Manifest;
  readonly commands: number;
  /** Bytes of the base and the increments. */
  readonly baseBytes: number;
  readonly lastIncrementBytes: number;
  readonly totalBytes: number;
  /** What was cut off the last file because it was no whole command. */
  readonly cut: { readonly file: string; readonly offset: number; readonly bytes: number } | undefined;
}

/** The folder of an append-only log. */
export function aofFolder({ dir, folderName }: AofPlace): string {
  return join(dir, folderName);
}

/** The manifest there is; an old single file is moved into the folder and becomes the base, as Redis does. */
async function findManifest(place: AofPlace): Promise<Manifest | undefined> {
  const folder = aofFolder(place);
  const found = await readManifest(folder, place.fileName);
  const old = join(place.dir, place.fileName);
  if (!(await isFile(old))) return found;
  // A manifest that names the old file alone, which was not moved yet, comes of a crash in the middle of this.
  const moved = found?.base?.name !== place.fileName || (await isFile(join(folder, place.fileName)));
  if (found !== undefined && (moved || found.increments.length > 0)) return found;
  await makeFolder(folder);
  const manifest = { ...NO_MANIFEST, base: { name: place.fileName, sequence: 1 } };
  await writeManifest(folder, place.fileName, manifest);
  await rename(old, join(folder, place.fileName));
  await syncFolder(folder);
  await syncFolder(place.dir);
  return manifest;
}

/**
 * Loads an append-only log into a node, which must be empty; undefined when there is none. Rejects, naming the file, when
 * something before the end is damaged or missing: nothing is loaded in part and silently.
 */
export async function loadAof(place: AofPlace, node: Node, apply: ApplyCommand): Promise<LoadedAof | undefined> {
  const folder = aofFolder(place);
  const manifest = await findManifest(place);
  if (manifest === undefined) return undefined;
  const files = [...(manifest.base === undefined ? [] : [manifest.base]), ...manifest.increments];
  let lastWritten = 0;
  for (const [index, { name }] of files.entries()) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile() !== true) {
      throw new Error(
        `The append log file ${name} doesn't exist: No such file or directory. The AOF manifest in ${folder} names it; restore it.`,
      );
    }
    // A rewrite names its increment shortly before it is written to, and only what was written to last can be cut short.
    if (found.size > 0) lastWritten = index;
  }
  let commands = 0;
  let totalBytes = 0;
  let baseBytes = 0;
  let lastBytes = 0;
  let cut: LoadedAof['cut'];
  const { replaying } = node;
  node.replaying = true;
  try {
    for (const [index, { name }] of files.entries()) {
      const file = join(folder, name);
      const from = await loadPreamble(file, node);
      const read = await readCommands(file, from, apply, node);
      commands += read.commands;
      lastBytes = read.wholeUntil;
      if (read.wholeUntil < read.size) {
        cut = { file, offset: read.wholeUntil, bytes: read.size - read.wholeUntil };
        await cutOff(cut, index === lastWritten, place.loadTruncated);
      }
      totalBytes += lastBytes;
      if (name === manifest.base?.name) baseBytes = lastBytes;
    }
  } finally {
    node.replaying = replaying;
  }
  for (const { name } of manifest.history) await unlink(join(folder, name)).catch(() => {});
  return {
    manifest: { ...manifest, history: [] },
    commands,
    baseBytes,
    lastIncrementBytes: manifest.increments.length === 0 ? 0 : lastBytes,
    totalBytes,
    cut,
  };
}

async function cutOff(
  { file, offset, bytes }: NonNullable<LoadedAof['cut']>,
  last: boolean,
  allowed: boolean,
): Promise<void> {
  if (!last) {
    throw new Error(
      `Fatal error: the truncated file is not the last file. ${file} ends at byte ${offset + bytes} within a command; restore it.`,
    );
  }
  if (!allowed) {
    throw new Error(
      `Unexpected end of file reading the append only file ${file} after byte ${offset}. Use redis-check-aof --fix, or set aof-load-truncated to yes and start again.`,
    );
  }
  await truncate(file, offset);
  const handle = await open(file, 'r+');
  await handle.datasync().finally(() => handle.close());
}

/** Loads the RDB part that a file begins with, if it does, and returns the byte after it. */
async function loadPreamble(file: string, node: Node): Promise<number> {
  const handle = await open(file, 'r');
  const start = Buffer.alloc(5);
  try {
    await handle.read(start, 0, start.length, 0);
  } finally {
    await handle.close();
  }
  if (start.toString('latin1') !== 'REDIS') return 0;
  const { size } = await stat(file);
  try {
    // Nothing in it has expired, because what follows was true at its own time.
    const { bytes } = await loadRdb(createReadStream(file, { highWaterMark: 262_144 }), node, 0, {
      totalBytes: size,
      digest: false,
      followed: true,
    });
    return bytes;
  } catch (error) {
    throw new Error(`${file} can't be loaded. ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}
