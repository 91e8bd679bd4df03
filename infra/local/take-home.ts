import path from 'node:path';

import type { Settings } from '../config/config.ts';
import { ensureHome } from './home.ts';
import { acquireLock } from './lock.ts';
import { endSurvivingChildren } from './platform-file.ts';
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
  const lock = await acquireLock(path.join(settings.home, 'run', 'platform.lock'));
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
