import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/common';

/** Ends the retries: asking again would give the same answer. The message is the reason that people are shown. */
export function permanent(message: string, type = 'Permanent'): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, type);
}

/** Why an activity failed in the end, as one or two sentences for people. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) {
    return 'It was tried again and again, and each time the worker stopped giving a sign of life.';
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return message === '' ? 'It failed without saying why; see the log of the backup role.' : message;
}

/** The type given to `permanent`, of the failure that ended an activity. */
export function failureType(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
}

/** Reasons are kept in events, so they have a bound. */
export function sentences(...parts: string[]): string {
  return parts.join(' ').slice(0, 1000);
}
