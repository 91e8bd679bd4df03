import { writevSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { DiskPace } from './disk-pace.ts';

/** Bytes that are written from one turn to the next. */
const AT_ONCE = 262_144;

/**
 * Writes buffers one after another at a position of a file, and gives the position after them. Of many bytes some are written at
 * a time, and others have their turn between.
 */
export async function writeParts(
  handle: FileHandle,
  parts: Iterable<Buffer>,
  position: number,
  pace: DiskPace,
): Promise<number> {
  let at = position;
  let group: Buffer[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const since = performance.now();
    at = pace.inline ? writeAllSync(handle.fd, group, at) : await writeAll(handle, group, at);
    pace.took(since);
    group = [];
    bytes = 0;
  };
  for (const part of parts) {
    if (bytes >= AT_ONCE) {
      await flush();
      await nextTurn();
    }
    group.push(part);
    bytes += part.length;
  }
  if (bytes > 0) await flush();
  return at;
}

/** The same at once. */
export function writeAllSync(fd: number, parts: readonly Buffer[], position: number): number {
  let at = position;
  for (let left = parts; left.length > 0;) {
    const written = writevSync(fd, left, at);
    at += written;
    left = without(left, written);
  }
  return at;
}

async function writeAll(handle: FileHandle, parts: readonly Buffer[], position: number): Promise<number> {
  let at = position;
  for (let left = parts; left.length > 0;) {
    const { bytesWritten } = await handle.writev(left, at);
    at += bytesWritten;
    left = without(left, bytesWritten);
  }
  return at;
}

/** What is left of buffers after so many bytes. */
function without(parts: readonly Buffer[], bytes: number): Buffer[] {
  const left: Buffer[] = [];
  let before = 0;
  for (const part of parts) {
    const from = Math.max(0, bytes - before);
    if (from < part.length) left.push(from === 0 ? part : part.subarray(from));
    before += part.length;
  }
  return left;
}
