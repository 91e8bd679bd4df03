/**
 * Shares reads of the log's head among all who ask at the same time: an answer is never older than its question, and there
 * is one read at a time, however many ask.
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
  const startNext = (): Promise<bigint> => {
    next = undefined;
    return start();
  };
  return () => {
    if (running === undefined) return start();
    // The read under way may have looked before this question was asked.
    next ??= running.then(startNext, startNext);
    return next;
  };
}
