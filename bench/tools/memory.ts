import { readFile } from 'node:fs/promises';

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
