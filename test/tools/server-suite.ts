import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { afterEach, beforeAll, vi } from 'vitest';

import { removeServers } from '#workers/resp/persistence/testing/servers.ts';
import { redisBinaries } from './redis-binaries.ts';
import type { RedisBinaries } from './redis-binaries.ts';

/** Runs a program to its end. */
export const run = promisify(execFile);

/** Writes down every command, and nothing else. */
export const AOF: readonly string[] = ['--appendonly', 'yes', '--save', ''];

/** To be called once at the top of a test file that starts servers: finds Redis's programs, and removes the servers of each test. */
export function suiteOfServers(): RedisBinaries {
  const binaries = {} as RedisBinaries;
  vi.setConfig({ testTimeout: 60_000 });
  beforeAll(async () => {
    Object.assign(binaries, await redisBinaries());
  });
  afterEach(removeServers);
  return binaries;
}
