import { fork } from 'node:child_process';
import { closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { type Config, toEnvironment } from '../config/config.ts';
import type { RoleReady } from '../process/run-role.ts';
import { openLog } from './home.ts';
import { follow, type Launched } from './launch.ts';

/** The script that runs a role in a process of its own. */
export const roleScript = fileURLToPath(new URL('role.ts', import.meta.url));

/** Longer than a role takes for itself to drain, so that force is for those that hang. */
const stopSteps = [['SIGTERM', 13_000]] as const;

/** Starts a role in a process of its own. It is ready when it says so over IPC, and ends by itself when that closes. */
export function launchRole(name: string, config: Config, script = roleScript): Launched {
  const logFd = openLog(config.home, name);
  const child = fork(script, [name], {
    detached: true,
    stdio: ['ignore', logFd, logFd, 'ipc'],
    env: { ...process.env, ...toEnvironment(config) },
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
