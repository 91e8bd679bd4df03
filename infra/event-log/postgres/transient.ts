import { setTimeout as sleep } from 'node:timers/promises';

import { LogUnavailable } from '../log-unavailable.ts';

/** What PostgreSQL says when it can't serve now but may in a moment; https://www.postgresql.org/docs/current/errcodes-appendix.html */
const transientStates = /^(?:08...|40...|53...|55P03|57P0[1-5]|57014|25006)$/;

/** Whether an error is of the connection or the server's state, so that the same statement may succeed later. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') {
    // The driver's own errors for connections that broke or timed out carry no code.
    return /connection|timeout|terminated|not queryable|socket/i.test(error.message);
  }
  return /^E[A-Z]+$/.test(code) || transientStates.test(code);
}

/** Waits a while before the n-th retry (from 1): 20 ms, doubled each time, at most 1 s, spread so that callers don't march in step. */
export async function backOff(retry: number, signal?: AbortSignal): Promise<void> {
  const longest = Math.min(1_000, 20 * 2 ** (retry - 1));
  await sleep(longest * (0.5 + Math.random() / 2), undefined, signal === undefined ? undefined : { signal });
}

/** The result of something that may be done again, tried for so long while the server is away. */
export async function patiently<Result>(patienceMs: number, attempt: () => Promise<Result>): Promise<Result> {
  const end = Date.now() + patienceMs;
  for (let retry = 1; ; retry += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (Date.now() >= end) throw unavailable(error);
      await backOff(retry);
    }
  }
}

/** The error that tells callers that the log is out of reach. */
export function unavailable(cause: unknown): LogUnavailable {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LogUnavailable(`The event log's PostgreSQL can't be reached (${reason}); try again when it is back.`, {
    cause,
  });
}
