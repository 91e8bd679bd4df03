import { backOff } from '#infra/event-log/postgres/transient.ts';

/**
 * Runs one session after the other until the signal aborts: whatever ends one, the next begins, after a pause that grows while
 * nothing goes well. `failed` is told of a failure, and whether it is another one than before; what it throws ends it all.
 */
export async function keepSessions(
  signal: AbortSignal,
  session: (goesWell: () => void) => Promise<void>,
  failed: (problem: string, error: unknown, isNew: boolean) => void,
): Promise<void> {
  let last: string | null = null;
  for (let retry = 1; !signal.aborted; retry += 1) {
    try {
      await session(() => {
        retry = 1;
        last = null;
      });
    } catch (error) {
      if (signal.aborted) return;
      const problem = error instanceof Error ? error.message : String(error);
      failed(problem, error, problem !== last);
      last = problem;
      await backOff(retry, signal);
    }
  }
}
