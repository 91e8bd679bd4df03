import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { acquireLock, type Lock } from '#infra/local/lock.ts';

/** How long a predecessor that is still stopping is waited for. */
const patience_ms = 15_000;

/** Takes a folder for this process alone. Rejects when another one keeps it. */
export async function lockFolder(folder: string): Promise<Extract<Lock, { held: true }>> {
  const deadline = Date.now() + patience_ms;
  for (;;) {
    const lock = await acquireLock(path.join(folder, 'lock'));
    if (lock.held) return lock;
    if (Date.now() > deadline)
      throw new Error(`Process ${lock.by.pid} works with the nodes in ${folder}; end it first.`);
    await sleep(100);
  }
}
