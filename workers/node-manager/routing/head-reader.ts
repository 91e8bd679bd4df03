import { setTimeout as sleep } from 'node:timers/promises';

/** However many ask, the log is not asked more often than this. */
const interval_ms = 5;

/**
 * Shares reads of the log's head among all who ask at the same time: an answer is never older than its question, and there
 * is one read at a time, with a pause after each that others waited for.
 */
export function shareHeadReads(read: () => Promise<bigint>): () => Promise<bigint> {
  let running: Promise<bigint> | undefined;
  let next: Promise<bigint> | undefined;
  const start = (): Promise<bigint> => {
    const reading = read().finally(() => {
      running = undefined;
    });
    running = reading;
    return reading;
  };
  const startNext = async (): Promise<bigint> => {
    await sleep(interval_ms, undefined, { ref: false });
    next = undefined;
    return start();
  };
  return () => {
    if (next !== undefined) return next;
    if (running === undefined) return start();
    // The read under way may have looked before this question was asked.
    next = running.then(startNext, startNext);
    return next;
  };
}
