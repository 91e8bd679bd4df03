import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { cacheFolder } from '../cache-folder.ts';
import { acquireLock } from '../lock.ts';

const sources = fileURLToPath(new URL('../temporal-server', import.meta.url));

/** Where the program built from the present sources is kept, for all homes of this user. */
export function buildPath(): string {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const name of readdirSync(sources).toSorted()) hash.update(name).update(readFileSync(path.join(sources, name)));
  return path.join(cacheFolder(), `temporal-${hash.digest('hex').slice(0, 16)}`);
}

/** The program, where an earlier start built it. */
export function cachedBuild(): string | undefined {
  const target = buildPath();
  return existsSync(target) ? target : undefined;
}

/**
 * Builds the program from the sources in `infra/local/temporal-server`, which takes one to two minutes of four cores and a first
 * download of its modules. Of platforms that start at once one builds and the others wait for it. Rejects with the compiler's
 * words, or when the signal aborts.
 */
export async function build(signal: AbortSignal): Promise<string> {
  const target = buildPath();
  await mkdir(path.dirname(target), { recursive: true });
  for (;;) {
    if (existsSync(target)) return target;
    const lock = await acquireLock(`${target}.lock`);
    if (!lock.held) {
      await sleep(500, undefined, { signal });
      continue;
    }
    const partial = `${target}.partial-${process.pid}`;
    try {
      await removePartials(target);
      await compile(partial, signal);
      await rename(partial, target);
      return target;
    } finally {
      await rm(partial, { force: true });
      lock.release();
    }
  }
}

/**
 * Runs a command for as long as this process lives: the pipe on descriptor 3 closes when it is gone, even killed, and that ends the
 * whole group, compilers included. Otherwise every kill of a platform that builds would leave a build behind that nobody awaits.
 */
const bound = '"$@" & command=$!; { cat <&3; kill -s KILL -- -$$; } >/dev/null 2>&1 & wait "$command"';
const commandNotFound = 127;

function compile(output: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const go = ['go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', output, '.'];
    const child = spawn('/bin/sh', ['-c', bound, 'sh', ...go], {
      cwd: sources,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, CGO_ENABLED: '0' },
    });
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => (words = `${words}${chunk.toString()}`.slice(-4000)));
    // The platform's own work comes first.
    if (child.pid !== undefined) setPriority(child.pid, 10);
    const end = (): void => void child.stdio[3]?.destroy();
    signal.addEventListener('abort', end);
    child.on('error', reject);
    child.on('exit', (code) => {
      signal.removeEventListener('abort', end);
      end();
      if (code === 0) resolve();
      else if (code === commandNotFound) reject(new Error('Go is not installed'));
      else reject(new Error(`go build failed: ${words.trim().split('\n').slice(-3).join(' ')}`));
    });
  });
}

/** Removes what builds that were killed left beside the target; the lock says that none is under way. */
async function removePartials(target: string): Promise<void> {
  const folder = path.dirname(target);
  for (const name of await readdir(folder)) {
    if (name.startsWith(`${path.basename(target)}.partial-`)) await rm(path.join(folder, name), { force: true });
  }
}
