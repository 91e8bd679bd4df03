import { LogUnavailable } from '#infra/event-log/log-unavailable.ts';

/** What tells that a server this one needs is away or overloaded, rather than that a statement was wrong. */
const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT']);

/** SQLSTATE classes and codes, see https://www.postgresql.org/docs/18/errcodes-appendix.html */
const sqlStates = [/^08/, /^53/, /^57P0[1-5]$/, /^57014$/, /^25006$/, /^3D000$/];

/** What node-postgres says without a code. */
const messages = [
  /^Connection terminated/,
  /^timeout exceeded when trying to connect/,
  /^Client has encountered a connection error/,
  /^Query read timeout/,
  /^Cannot use a pool after calling end/,
];

/** Whether an error, or what caused it, says that PostgreSQL can not be reached or does not answer in time. */
export function isUnavailable(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (cause instanceof LogUnavailable) return true;
    const { code } = cause as { code?: unknown };
    if (typeof code === 'string' && (networkCodes.has(code) || sqlStates.some((state) => state.test(code))))
      return true;
    const { message } = cause;
    if (messages.some((pattern) => pattern.test(message))) return true;
    if (cause instanceof AggregateError && cause.errors.some(isUnavailable)) return true;
  }
  return false;
}
