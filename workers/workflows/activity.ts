import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

import { ManagerRefusal } from '#infra/redis/platform-client.ts';

import { permanent } from './failure.ts';
import { refusalAttempts, refusalAttemptsDefault } from './policy.ts';

const signOfLifeEvery_ms = 1000;

/**
 * Does an activity's work while telling Temporal that this worker lives. The signal aborts when the worker stops or the attempt no
 * longer counts, for example because Temporal has lost its database; then another attempt does the work.
 */
export async function alive<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const signal = cancellationSignal();
  heartbeat();
  const timer = setInterval(heartbeat, signOfLifeEvery_ms);
  try {
    return await work(signal);
  } catch (error) {
    if (signal.aborted) throw ApplicationFailure.retryable('The worker was stopped.', 'Interrupted');
    throw asFailure(error);
  } finally {
    clearInterval(timer);
  }
}

/** An error of a node manager ends the retries when its kind has had its attempts. */
function asFailure(error: unknown): unknown {
  if (!(error instanceof ManagerRefusal)) return error;
  const allowed = refusalAttempts[error.code] ?? refusalAttemptsDefault;
  if (activityInfo().attempt < allowed) return error;
  // The first word is for programs.
  return permanent(error.message.slice(error.code.length).trim() || error.message);
}
