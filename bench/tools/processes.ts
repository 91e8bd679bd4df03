import { readFile, readdir } from 'node:fs/promises';

/** What Linux counts CPU time in: USER_HZ is 100 on every architecture it shows to programs. */
const TICK_US = 10_000;

/** CPU time that processes have used, user and system, in microseconds (Linux). */
export async function cpuMicroseconds(pids: readonly number[]): Promise<number> {
  const times = await Promise.all(pids.map(cpuOf));
  return times.reduce((sum, time) => sum + time, 0);
}

async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold spaces; utime and stime are the 14th and 15th fields.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** A process and all that descend from it. */
export async function familyOf(pid: number): Promise<number[]> {
  const family = [pid];
  for (const one of family) family.push(...(await childrenOf(one)));
  return family;
}

async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  return lists.join(' ').split(/\s+/).filter(Boolean).map(Number);
}
