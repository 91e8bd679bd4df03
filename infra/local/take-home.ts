import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Settings } from '../config/config.ts';
import { ensureHome } from './home.ts';
import { acquireLock, type Lock } from './lock.ts';
import { endSurvivingChildren, readPlatformFile } from './platform-file.ts';
import { takenPorts } from './ports.ts';
import { endSurvivors } from './postgres/survivors.ts';

/** Something in the surroundings keeps the platform from starting; the message says what it is and what to do. */
export class CannotStart extends Error {}

/**
 * Makes the home this process's own: locks it, ends what a killed supervisor left running in it, and sees that the ports are free.
 * Returns how to let go of it. Throws `CannotStart` when another platform has the home or another program has a port.
 */
export async function takeHome(settings: Settings): Promise<() => void> {
  try {
    ensureHome(settings.home);
  } catch (error) {
    throw new CannotStart((error as Error).message, { cause: error });
  }
  const lock = await lockHome(settings.home);
  if (!lock.held) {
    throw new CannotStart(
      `${settings.home} is in use: the MiniRedis with process id ${lock.by.pid} runs there. ` +
        'Stop it, or set MINIREDIS_HOME (and GATEWAY_PORT, RESP_PORT) to run another beside it.',
    );
  }
  try {
    await Promise.all([endSurvivingChildren(settings.home), endSurvivors(path.join(settings.home, 'postgres'))]);
    const taken = await takenPorts(settings);
    if (taken.length > 0) throw new CannotStart(taken.join('\n'));
  } catch (error) {
    lock.release();
    throw error;
  }
  return () => lock.release();
}

/** A platform that is stopping lets go of its home soon; one that has just lost its npm will notice in a moment. */
const stoppingPatience_ms = 40_000;
const usualPatience_ms = 1500;

/** Locks the home; waits for a platform that is on its way out, so that stopping and starting again needs no sleep in between. */
async function lockHome(home: string): Promise<Lock> {
  const startedAt = performance.now();
  for (;;) {
    const lock = await acquireLock(path.join(home, 'run', 'platform.lock'));
    const patience_ms = readPlatformFile(home)?.stopping === true ? stoppingPatience_ms : usualPatience_ms;
    if (lock.held || performance.now() - startedAt > patience_ms) return lock;
    await sleep(50);
  }
}
