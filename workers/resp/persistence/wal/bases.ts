import { createReadStream } from 'node:fs';
import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

import type { Node } from '../../keyspace/node.ts';
import { loadRdb } from '../load.ts';
import { snapshotRdb } from '../snapshot.ts';
import type { Probe } from './log.ts';
import { makeFolder, syncFolder } from './segment.ts';

/** A node's base: an RDB file that stands for everything of the node before a position of the log. */
export interface Base {
  readonly file: string;
  readonly position: number;
  readonly bytes: number;
}

/** A base that a `replace` record will make the node's, or has made it. */
export interface StagedBase {
  readonly file: string;
  readonly name: string;
}

/** The bases found in a folder. */
export interface FoundBases {
  readonly bases: ReadonlyMap<string, readonly Base[]>;
  readonly staged: readonly StagedBase[];
}

function baseFile(dir: string, node: string, position: number): string {
  return join(dir, `${node}@${String(position).padStart(16, '0')}.rdb`);
}

/** Lists the bases of a folder, newest first for each node, and clears away what was never finished. */
export async function listBases(dir: string): Promise<FoundBases> {
  await makeFolder(dir);
  const bases = new Map<string, Base[]>();
  const staged: StagedBase[] = [];
  for (const name of (await readdir(dir)).sort().reverse()) {
    const file = join(dir, name);
    const [, node, digits] = /^([^@]+)@(\d{16})\.rdb$/.exec(name) ?? [];
    if (node !== undefined) {
      const of = bases.get(node) ?? [];
      bases.set(node, [...of, { file, position: Number(digits), bytes: (await stat(file)).size }]);
    } else if (/@replace-.*\.rdb$/.test(name)) staged.push({ file, name });
    else if (name.endsWith('.tmp')) await unlink(file);
  }
  return { bases, staged };
}

/** Writes a snapshot of a node into a file and returns its size; the file is on the disk when this resolves. */
async function writeFile(file: string, node: Node, probe: Probe, onInstant?: () => void): Promise<number> {
  const handle = await open(file, 'w', 0o600);
  let bytes = 0;
  try {
    const { stream } = snapshotRdb(node, { digest: false, ...(onInstant === undefined ? {} : { onInstant }) });
    for await (const chunk of stream) {
      probe('base-write');
      await handle.appendFile(chunk);
      bytes += chunk.length;
    }
    probe('base-sync');
    await handle.datasync();
  } catch (error) {
    await unlink(file).catch(() => {});
    throw error;
  } finally {
    await handle.close();
  }
  return bytes;
}

let temporaries = 0;

/** A base that was written and waits to be given its place. */
export interface WrittenBase {
  readonly file: string;
  readonly bytes: number;
}

/** Writes a node's base beside the one in force. `onInstant` is called when its content is fixed. */
export async function writeBase(dir: string, node: Node, probe: Probe, onInstant: () => void): Promise<WrittenBase> {
  const file = join(dir, `${node.id}@${++temporaries}.tmp`);
  return { file, bytes: await writeFile(file, node, probe, onInstant) };
}

/** Writes the base that a `replace` record is going to name. */
export async function stageBase(
  dir: string,
  id: string,
  content: Node,
  probe: Probe,
): Promise<StagedBase & WrittenBase> {
  const file = join(dir, `${id}@replace-${Date.now().toString(36)}-${process.pid.toString(36)}-${++temporaries}.rdb`);
  const bytes = await writeFile(file, content, probe);
  await syncFolder(dir);
  return { file, name: basename(file), bytes };
}

/** Gives a written base its place: from here on it stands for everything before `position`. */
export async function placeBase(dir: string, id: string, from: WrittenBase, position: number): Promise<Base> {
  const file = baseFile(dir, id, position);
  await rename(from.file, file);
  await syncFolder(dir);
  return { file, position, bytes: from.bytes };
}

/** Removes the file of a base, which may be gone already. */
export async function removeFile(file: string): Promise<void> {
  await unlink(file).catch((error: unknown) => {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error;
  });
}

/** Loads a base; nothing in it has expired, because what follows in the log was true at its own time. Returns its keys. */
export async function loadBase(base: Base, target: Node): Promise<number> {
  const stream = createReadStream(base.file, { highWaterMark: 262_144 });
  try {
    const { keys } = await loadRdb(stream, target, 0, { totalBytes: base.bytes, digest: false });
    return keys;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${base.file}: ${reason}`, { cause: error });
  }
}
