import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { identify, isAlive, type ProcessIdentity, signal } from '../process/identity.ts';

/** `<home>/run/platform.json`: what runs right now, for operators and for the next start. It holds a password: mode 0600. */
export interface PlatformFile {
  /** The supervisor. */
  readonly pid: number;
  /** True once every role has been ready. */
  readonly ready: boolean;
  /** True once it has been told to stop. */
  readonly stopping: boolean;
  /** Every child by name: `postgres`, `temporal` and the roles. A child that is between two lives is not listed. */
  readonly children: Readonly<Record<string, ProcessIdentity>>;
  readonly ports: {
    readonly gateway: number;
    readonly resp: number;
    readonly postgres: number;
    readonly temporal: number;
  };
  readonly databaseUrl: string;
  readonly temporalAddress: string;
}

/** Children that see their supervisor gone end by themselves; after this they are ended. */
const survivorPatience_ms = 4000;

function platformFilePath(home: string): string {
  return path.join(home, 'run', 'platform.json');
}

/** What the file says, or undefined where there is none. */
export function readPlatformFile(home: string): PlatformFile | undefined {
  try {
    return JSON.parse(readFileSync(platformFilePath(home), 'utf8')) as PlatformFile;
  } catch {
    return undefined;
  }
}

/** Keeps the file in step with the children; a reader never sees half of it. */
export function keepPlatformFile(home: string, fixed: Omit<PlatformFile, 'pid' | 'ready' | 'stopping' | 'children'>) {
  const file = platformFilePath(home);
  const children: Record<string, ProcessIdentity> = {};
  let ready = false;
  let stopping = false;
  let removed = false;
  const write = (): void => {
    if (removed) return;
    const content: PlatformFile = { pid: process.pid, ready, stopping, children, ...fixed };
    writeFileSync(`${file}.new`, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  write();
  return {
    /** Notes the process a child now is, or that it is none. */
    set(name: string, pid: number | undefined): void {
      const identity = pid === undefined ? undefined : identify(pid);
      if (identity === undefined) delete children[name];
      else children[name] = identity;
      write();
    },
    setReady(): void {
      ready = true;
      write();
    },
    setStopping(): void {
      stopping = true;
      write();
    },
    remove(): void {
      removed = true;
      rmSync(file, { force: true });
    },
  };
}

/**
 * Ends what a killed supervisor of this home left running, except PostgreSQL, which is found by its folder. The caller holds the
 * home's lock, so the supervisor that wrote the file is gone.
 */
export async function endSurvivingChildren(home: string): Promise<void> {
  const { postgres: _, ...children } = readPlatformFile(home)?.children ?? {};
  const survivors = Object.values(children);
  const deadline = performance.now() + survivorPatience_ms;
  for (const survivor of survivors) signal(survivor, 'SIGTERM');
  while (survivors.some(isAlive) && performance.now() < deadline) await sleep(20);
  for (const survivor of survivors) signal(survivor, 'SIGKILL');
  while (survivors.some(isAlive)) await sleep(10);
}
