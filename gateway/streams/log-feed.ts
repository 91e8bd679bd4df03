import type { EventLog } from '#infra/event-log/event-log.ts';

/** Tells when something new is recorded on some streams, or anywhere. */
interface Watch {
  /** True as soon as something was recorded since the watch began or since the last call; false when the time is over. */
  next(timeout_ms: number): Promise<boolean>;
  close(): void;
}

/** One subscription of this process to the log, shared by all requests that wait for something to happen. */
export interface LogFeed {
  watch(streams: readonly string[]): Watch;
  /** Ends every wait at once, with false. */
  stop(): Promise<void>;
  /** Rejects when the subscription failed. */
  readonly ended: Promise<void>;
}

interface Waiter {
  readonly streams: ReadonlySet<string>;
  news: boolean;
  wake: (() => void) | undefined;
}

/** Follows the log from its present end. */
export async function openLogFeed(log: EventLog): Promise<LogFeed> {
  const waiters = new Map<string, Set<Waiter>>();
  let stopped = false;

  const wakeAll = (concerned: Iterable<Waiter>): void => {
    for (const waiter of concerned) {
      waiter.news = true;
      waiter.wake?.();
    }
  };

  const subscription = log.subscribe({
    after: await log.head(),
    handle: (batch) => {
      for (const { stream } of batch) wakeAll(waiters.get(stream) ?? []);
      return Promise.resolve();
    },
  });

  return {
    ended: subscription.ended,
    watch(streams) {
      const waiter: Waiter = { streams: new Set(streams), news: false, wake: undefined };
      for (const stream of waiter.streams) register(waiters, stream, waiter);
      return {
        next: (timeout_ms) => (stopped ? Promise.resolve(false) : nextNews(waiter, timeout_ms)),
        close: () => {
          for (const stream of waiter.streams) unregister(waiters, stream, waiter);
        },
      };
    },
    async stop() {
      stopped = true;
      for (const group of waiters.values()) for (const { wake } of group) wake?.();
      await subscription.stop();
    },
  };
}

async function nextNews(waiter: Waiter, timeout_ms: number): Promise<boolean> {
  if (!waiter.news) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeout_ms);
      waiter.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    waiter.wake = undefined;
  }
  const { news } = waiter;
  waiter.news = false;
  return news;
}

function register(waiters: Map<string, Set<Waiter>>, stream: string, waiter: Waiter): void {
  const group = waiters.get(stream);
  if (group === undefined) waiters.set(stream, new Set([waiter]));
  else group.add(waiter);
}

function unregister(waiters: Map<string, Set<Waiter>>, stream: string, waiter: Waiter): void {
  const group = waiters.get(stream);
  group?.delete(waiter);
  if (group?.size === 0) waiters.delete(stream);
}
