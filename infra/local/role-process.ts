import { fork } from 'node:child_process';
import { closeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { type Config, toEnvironment } from '../config/config.ts';
import type { RoleReady } from '../process/run-role.ts';
import { cacheFolder } from './cache-folder.ts';
import { openLog } from './home.ts';
import { follow, type Launched } from './launch.ts';

/** The script that runs a role in a process of its own. */
export const roleScript = fileURLToPath(new URL('role.ts', import.meta.url));

/**
 * Node keeps what it compiled there. From the second start on a process is up sooner and takes some 27 MB less, since the
 * compiler of TypeScript is not loaded at all. A folder that can't be written is no error.
 */
const compiled = { NODE_COMPILE_CACHE: path.join(cacheFolder(), 'compiled') };

/**
 * A manager hands connections on and follows the log; with V8's own young generation, which grows to some 100 MB, its process is
 * twice as large after making thousands of nodes, of each of which it keeps less than a kilobyte. What is left of that it gives
 * back by itself.
 */
const v8Flags: Readonly<Record<string, readonly string[]>> = {
  'node-manager': ['--max-semi-space-size=8', '--expose-gc'],
};

/** Longer than a role takes for itself to drain, so that force is for those that hang. */
const stopSteps = [['SIGTERM', 13_000]] as const;

/** Starts a role in a process of its own. It is ready when it says so over IPC, and ends by itself when that closes. */
export function launchRole(name: string, config: Config, script = roleScript): Launched {
  const logFd = openLog(config.home, name);
  const child = fork(script, [name], {
    detached: true,
    execArgv: [...process.execArgv, ...(v8Flags[name] ?? [])],
    stdio: ['ignore', logFd, logFd, 'ipc'],
    env: { ...compiled, ...process.env, ...toEnvironment(config) },
  });
  closeSync(logFd);
  const untilItSays = (): Promise<void> =>
    new Promise((resolve) => {
      child.on('message', (message) => {
        if ((message as RoleReady).type === 'ready') resolve();
      });
    });
  return follow(child, untilItSays, stopSteps);
}
