import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** An append that a process of writers has an answer to: its command, and its first and last positions as text. */
export interface Acknowledged {
  readonly id: string;
  readonly first: string;
  readonly last: string;
}

const program = fileURLToPath(import.meta.resolve('./writer.ts'));

/** Starts a process of writers: every other append goes to one stream that all of them share. */
export function startWriters(
  databaseUrl: string,
  name: string,
  callers: number,
  each: number,
): ChildProcessByStdio<null, Readable, null> {
  return spawn(process.execPath, [program, databaseUrl, name, String(callers), String(each)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Runs a process of writers to its end; throws when that is not a good one. */
export async function runWriters(...args: Parameters<typeof startWriters>): Promise<Acknowledged[]> {
  const child = startWriters(...args);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  if (code !== 0) throw new Error(`A process of writers ended with exit code ${code}.`);
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Acknowledged);
}
