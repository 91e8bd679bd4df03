import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { identify, isAlive, type ProcessIdentity } from '../process/identity.ts';

/** A lock that this process holds, or the process that holds it. */
export type Lock = { readonly held: true; release(): void } | { readonly held: false; readonly by: ProcessIdentity };

/**
 * Takes a lock file for this process. A lock whose process is gone, however it went, is taken over; a pid that was given to
 * another process since does not count as its holder.
 */
export async function acquireLock(file: string): Promise<Lock> {
  mkdirSync(path.dirname(file), { recursive: true });
  const self = identify(process.pid);
  if (self === undefined)
    throw new Error('This machine does not tell when a process started, so no lock can be taken.');
  const mine = JSON.stringify(self);
  const candidate = `${file}.${process.pid}`;
  for (;;) {
    writeFileSync(candidate, mine, { mode: 0o600 });
    if (linked(candidate, file)) {
      rmSync(candidate);
      return { held: true, release: () => release(file, mine) };
    }
    const holder = read(file);
    if (holder !== undefined && isAlive(holder)) {
      rmSync(candidate);
      return holder.pid === process.pid
        ? { held: true, release: () => release(file, mine) }
        : { held: false, by: holder };
    }
    // Two may take a stale lock over at the same moment; the later rename wins, so look again before believing it.
    renameSync(candidate, file);
    await sleep(100);
    if (readText(file) === mine) return { held: true, release: () => release(file, mine) };
  }
}

/** A hard link is the one way to create a file with its whole content at once and fail when it is there. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function release(file: string, mine: string): void {
  if (readText(file) === mine) rmSync(file);
}

function read(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readText(file) ?? '') as ProcessIdentity;
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
