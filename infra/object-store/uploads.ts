import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

import { identify, isAlive } from '../process/identity.ts';

/** An upload is written to all the time; one that was not for so long has lost its writer, on whatever machine that was. */
const abandonedAfterMs = 24 * 3600 * 1000;

/** A file name that tells later who was writing: the machine and the process, apart from a later one of the same pid. */
export function uploadName(): string {
  const startedAt = identify(process.pid)?.startedAt ?? '';
  return [hostname(), process.pid, startedAt, randomUUID()].map(encodeURIComponent).join(',');
}

/** Removes the uploads whose writers are gone: they can never become objects. */
export async function sweepUploads(folder: string, now = Date.now()): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    if (writerIsGone(name) || (await ageMs(file, now)) > abandonedAfterMs) await rm(file, { force: true });
  }
}

function writerIsGone(name: string): boolean {
  const [host, pid, startedAt] = name.split(',').map(decodeURIComponent);
  if (host !== hostname() || pid === undefined || startedAt === undefined || startedAt === '') return false;
  return !isAlive({ pid: Number(pid), startedAt });
}

async function ageMs(file: string, now: number): Promise<number> {
  try {
    return now - (await stat(file)).mtimeMs;
  } catch {
    return 0;
  }
}
