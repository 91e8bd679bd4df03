import { readFile } from 'node:fs/promises';

/** Resident memory of a process in MiB, from /proc (Linux). */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status shows no VmRSS`);
  return Number(kilobytes) / 1024;
}
