import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createEngine } from '../../engine.ts';
import { Node } from '../../keyspace/node.ts';
import { isString, textOf } from '../../keyspace/value.ts';
import { rdbCodec } from '../codec.ts';
import type { Durability } from '../wal/journal.ts';
import { openWal } from '../wal/wal.ts';
import type { Wal, WalOptions } from '../wal/wal.ts';

/** A real engine without a listener, for tests to run commands in. */
export const engine = createEngine({ codec: rdbCodec });

const folders: string[] = [];

/** A new empty folder, removed by `removeFolders`. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'resp-wal-'));
  folders.push(folder);
  return folder;
}

/** A copy of a folder as it is now, which is what a killed process would leave. */
export function copyOf(folder: string): string {
  for (let tries = 1; ; tries++) {
    const copy = newFolder();
    try {
      cpSync(folder, copy, { recursive: true });
      return copy;
    } catch (error) {
      // A file that was on its way out was seen in the list and then gone; the next look finds it gone or there.
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT' || tries > 20) throw error;
    }
  }
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** The bytes of a file without the room behind what was written, which is zeros. */
export function writtenBytes(file: string): Buffer {
  const bytes = readFileSync(file);
  let { length } = bytes;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return bytes.subarray(0, length);
}

/** Opens a log with the real engine's replay. */
export function openLog(dir: string, options: Partial<WalOptions> = {}): Promise<Wal> {
  return openWal({ dir, apply: (node, db, args) => engine.applyJournaled(node, db, args), ...options });
}

/** A node that is served from a log. */
export async function serve(wal: Wal, id: string, durability: Durability = 'always', epoch = 1): Promise<Node> {
  const node = new Node({ id });
  await wal.openNode({ node, epoch, durability });
  return node;
}

/** Runs a command given as one line of words. */
export function run(node: Node, line: string): Promise<unknown> {
  return engine.execute(node, line.split(' '));
}

/** Recovers one node from a folder and gives its strings. */
export async function recovered(dir: string, id = 'a'): Promise<Record<string, string>> {
  const wal = await openLog(dir);
  try {
    return strings(await serve(wal, id));
  } finally {
    await wal.close();
  }
}

/** All string keys of database 0. */
export function strings(node: Node): Record<string, string> {
  const all: [string, string][] = [];
  node.databases[0]?.entries.forEach((value, key) => all.push([key, isString(value) ? textOf(value) : '']));
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The names of all files below a folder. */
export async function filesOf(dir: string): Promise<string[]> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true });
  return found.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
}
