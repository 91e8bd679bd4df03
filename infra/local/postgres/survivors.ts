import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { identify, isAlive, type ProcessIdentity, signal } from '../../process/identity.ts';

/**
 * Ends whatever an earlier supervisor that was killed left running on this folder: a postmaster, or back ends whose postmaster is
 * gone and which still hold its shared memory. Returns when the folder is free; processes of other folders are never touched.
 */
export async function endSurvivors(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const steps = [
    ['SIGINT', 10_000],
    ['SIGQUIT', 3000],
    ['SIGKILL', 3000],
  ] as const;
  for (const [name, patience_ms] of steps) {
    const survivors = processesOn(folder);
    const deadline = Date.now() + patience_ms;
    // The postmaster ends its own children; they are signalled only where it is gone.
    const [postmaster] = survivors.filter(({ pid }) => pid === recordedPid(folder));
    for (const survivor of postmaster === undefined ? survivors : [postmaster]) signal(survivor, name);
    while (survivors.some(isAlive) && Date.now() < deadline) await sleep(20);
    if (processesOn(folder).length === 0) return;
  }
}

/**
 * Ends the initdb of a killed supervisor that works at or below a folder, with the servers it started, at once: nobody will use what
 * they make. Where there is no /proc none is found; they end by themselves.
 */
export async function endWorkBelow(folder: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const below = `${realpathSync(folder)}${path.sep}`;
  const working = identified(pidsIn((name) => name.startsWith(below)));
  for (const one of working) signal(one, 'SIGKILL');
  while (working.some(isAlive)) await sleep(10);
}

function recordedPid(folder: string): number {
  try {
    return Number.parseInt(readFileSync(path.join(folder, 'postmaster.pid'), 'utf8'), 10);
  } catch {
    return -1;
  }
}

/** Every PostgreSQL process has its data folder as working directory, which is what identifies it. */
function processesOn(folder: string): ProcessIdentity[] {
  if (process.platform !== 'linux') return identified(recordedPostmaster(folder));
  const real = realpathSync(folder);
  return identified(pidsIn((name) => name === real));
}

/** Those of the processes that still run. */
function identified(pids: readonly number[]): ProcessIdentity[] {
  return pids.map(identify).filter((identity) => identity !== undefined);
}

/** The processes of PostgreSQL's programs whose working directory is one of those looked for. */
function pidsIn(isOne: (folder: string) => boolean): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return (
          isOne(readlinkSync(`/proc/${pid}/cwd`)) && /\/(?:postgres|initdb)/.test(readlinkSync(`/proc/${pid}/exe`))
        );
      } catch {
        return false;
      }
    });
}

/** Where there is no /proc, only the postmaster is found, by its own note; a pid that was reused runs another command. */
function recordedPostmaster(folder: string): number[] {
  const pid = recordedPid(folder);
  try {
    const command = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { stdio: ['ignore', 'pipe', 'ignore'] });
    return command.toString().includes(folder) ? [pid] : [];
  } catch {
    return [];
  }
}
