import type { EventLog } from '#infra/event-log/event-log.ts';

/** The end of the queue on each stream where commands of this process have met. */
const queuesOf = new WeakMap<EventLog, Map<string, Promise<void>>>();

function queuesIn(log: EventLog): Map<string, Promise<void>> {
  const known = queuesOf.get(log);
  if (known !== undefined) return known;
  const queues = new Map<string, Promise<void>>();
  queuesOf.set(log, queues);
  return queues;
}

/**
 * Does the work while nobody else of this process has a turn on these streams. Only commands that have met there take turns.
 * Newcomers don't queue behind them: most only look at such a stream, and a queue that everybody joins would never end.
 */
export async function inTurn<Result>(
  log: EventLog,
  streams: readonly string[],
  work: () => Promise<Result>,
): Promise<Result> {
  const queues = queuesIn(log);
  const turns: { stream: string; over: Promise<void>; end: () => void }[] = [];
  try {
    // Always in the same order, so that two who want the same streams never wait for each other.
    for (const stream of [...new Set(streams)].toSorted()) {
      const before = queues.get(stream);
      const { promise: over, resolve: end } = Promise.withResolvers<void>();
      queues.set(stream, over);
      turns.push({ stream, over, end });
      await before;
    }
    return await work();
  } finally {
    for (const { stream, over, end } of turns) {
      if (queues.get(stream) === over) queues.delete(stream);
      end();
    }
  }
}
