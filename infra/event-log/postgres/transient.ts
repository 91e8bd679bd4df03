import { setTimeout as sleep } from 'node:timers/promises';

import { LogUnavailable } from '../log-unavailable.ts';

/** PostgreSQL could not be reached, or did not answer in time. */
export class NotReached extends Error {
  override readonly name = 'NotReached';
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/**
 * States in which PostgreSQL can't serve now but may in a moment: connections, rolled back by the server, out of resources,
 * locks, shutting down or starting, cancelled, read-only after a fail-over;
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const transientStates = /^(?:08...|40...|53...|55P03|57P0.|57014|25006)$/;
const brokenConnections = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);
/** The driver's own errors carry no code. */
const driverErrors =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded|Query read timeout)/;

/** Whether an error is of the connection or of the server's state, so that the same statement may succeed later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof NotReached) return true;
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return driverErrors.test(error.message);
  return brokenConnections.has(code) || transientStates.test(code);
}

/** Waits before the n-th retry (from 1): 20 ms, doubled each time, at most 1 s, spread so that callers don't march in step. */
export async function backOff(retry: number, signal?: AbortSignal): Promise<void> {
  const longest = Math.min(1_000, 20 * 2 ** Math.min(retry - 1, 10));
  try {
    await sleep(longest * (0.5 + Math.random() / 2), undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}

/** How a server fails for a while, and what callers are told when it does so for too long. */
export interface Away {
  isTransient(error: unknown): boolean;
  unavailable(cause: unknown): LogUnavailable;
}

/** The result of something that may well be done again, tried for so long while the server is away; then `LogUnavailable`. */
export async function patiently<Result>(
  patienceMs: number,
  attempt: () => Promise<Result>,
  away: Away = { isTransient, unavailable },
): Promise<Result> {
  const end = Date.now() + patienceMs;
  for (let retry = 1; ; retry += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!away.isTransient(error)) throw error;
      if (Date.now() >= end) throw away.unavailable(error);
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
