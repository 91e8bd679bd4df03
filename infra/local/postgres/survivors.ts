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

function recordedPid(folder: string): number {
  try {
    return Number.parseInt(readFileSync(path.join(folder, 'postmaster.pid'), 'utf8'), 10);
  } catch {
    return -1;
  }
}

/** Every PostgreSQL process has its data folder as working directory, which is what identifies it. */
function processesOn(folder: string): ProcessIdentity[] {
  const pids = process.platform === 'linux' ? pidsIn(realpathSync(folder)) : recordedPostmaster(folder);
  return pids.map(identify).filter((identity) => identity !== undefined);
}

function pidsIn(folder: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === folder && readlinkSync(`/proc/${pid}/exe`).includes('/postgres');
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
