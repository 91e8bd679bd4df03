import type { EventLog } from '#infra/event-log/event-log.ts';

/** Where commands of this process have met, by stream. */
interface Meetings {
  /** The end of the queue of those who take turns. */
  readonly queues: Map<string, Promise<void>>;
  /** Over when the one whom newcomers let pass is done. */
  readonly passing: Map<string, Promise<void>>;
}

const meetingsOf = new WeakMap<EventLog, Meetings>();

function meetingsIn(log: EventLog): Meetings {
  const known = meetingsOf.get(log);
  if (known !== undefined) return known;
  const meetings: Meetings = { queues: new Map(), passing: new Map() };
  meetingsOf.set(log, meetings);
  return meetings;
}

/** What a newcomer waits for: those who are ahead on these streams at this moment, and nobody who comes after them. */
export async function letPass(log: EventLog, streams: readonly string[]): Promise<void> {
  const { passing } = meetingsIn(log);
  if (passing.size > 0) await Promise.all(streams.map(async (stream) => passing.get(stream)));
}

/**
 * As `inTurn`, for a command that newcomers were faster than again: they wait until it is done. On a stream that is written to all
 * the time it would never find the moment otherwise.
 */
export function aheadOfNewcomers<Result>(
  log: EventLog,
  streams: readonly string[],
  work: () => Promise<Result>,
): Promise<Result> {
  return inTurn(log, streams, async () => {
    const { passing } = meetingsIn(log);
    const { promise: passed, resolve: pass } = Promise.withResolvers<void>();
    for (const stream of streams) passing.set(stream, passed);
    try {
      return await work();
    } finally {
      for (const stream of streams) passing.delete(stream);
      pass();
    }
  });
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
  const { queues } = meetingsIn(log);
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
