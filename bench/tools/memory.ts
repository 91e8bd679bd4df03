import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resident memory of a process in MiB, from /proc (Linux). */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status shows no VmRSS`);
  return Number(kilobytes) / 1024;
}

/** Memory of processes in MiB: resident, and their proportional share of what they have in common with others. */
export interface Memory {
  readonly rss: number;
  readonly pss: number;
}

/** Sums the memory of processes (Linux). */
export async function memoryOf(pids: readonly number[]): Promise<Memory> {
  const all = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/smaps_rollup`, 'utf8')));
  const sum = (field: string) =>
    all.reduce((total, text) => total + Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]), 0) / 1024;
  return { rss: sum('Rss'), pss: sum('Pss') };
}

const RESTING_MS = 10_000;
const RESTLESS_MS = 60_000;

/** Waits until what processes take has not changed by a megabyte for ten seconds, which is as left alone as they get, and returns it. */
export async function memoryAtRest(pids: readonly number[]): Promise<Memory> {
  const began = performance.now();
  let since = began;
  let resting = await memoryOf(pids);
  for (;;) {
    await sleep(1000);
    const now = await memoryOf(pids);
    const at = performance.now();
    if (Math.abs(now.rss - resting.rss) > 1) [resting, since] = [now, at];
    else if (at - since > RESTING_MS) return now;
    if (at - began > RESTLESS_MS) throw new Error('The processes that are to be idle take now more memory, now less.');
  }
}
