import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { identify } from '../process/identity.ts';
import { acquireLock } from './lock.ts';

let folder: string;
let file: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lock-'));
  file = path.join(folder, 'run', 'platform.lock');
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A real process that tries to take the lock, says what came of it, and stays. */
function contender(): Promise<{ child: ChildProcess; held: boolean; by?: { pid: number } }> {
  const module = new URL('./lock.ts', import.meta.url).href;
  const code = `const { acquireLock } = await import(${JSON.stringify(module)});
    console.log(JSON.stringify(await acquireLock(${JSON.stringify(file)})));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return new Promise((resolve) => {
    child.stdout.once('data', (data: Buffer) => {
      resolve({ child, ...(JSON.parse(data.toString()) as { held: boolean; by?: { pid: number } }) });
    });
  });
}

test('of many that start at once exactly one gets the lock, and the others learn who', async () => {
  const contenders = await Promise.all(Array.from({ length: 6 }, contender));
  const winners = contenders.filter(({ held }) => held);
  expect(winners).toHaveLength(1);
  for (const { held, by } of contenders) if (!held) expect(by?.pid).toBe(winners[0]?.child.pid);
});

test('the lock of a killed process is taken over, also by many at once', async () => {
  const { child } = await contender();
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  const contenders = await Promise.all(Array.from({ length: 5 }, contender));
  expect(contenders.filter(({ held }) => held)).toHaveLength(1);
});

test('a pid that was given to another process since is no holder', async () => {
  const first = await acquireLock(file);
  if (!first.held) throw new Error('not held');
  const other = await contender();
  expect(other.by?.pid).toBe(process.pid);
  writeFileSync(file, JSON.stringify({ ...identify(process.pid), startedAt: 'long ago' }));
  expect((await contender()).held).toBe(true);
});

test('a lock file that was cut short is no lock, and a released one is gone', async () => {
  const first = await acquireLock(file);
  if (!first.held) throw new Error('not held');
  first.release();
  expect(() => readFileSync(file)).toThrow(/ENOENT/);
  writeFileSync(file, '{"pid":');
  expect((await acquireLock(file)).held).toBe(true);
});
