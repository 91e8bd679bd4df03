import type { Filter } from './filters.ts';
import type { Journal, LogRecord } from './journal.ts';

/** What a persistent subscription was made with. */
export interface GroupOptions {
  readonly source: string;
  readonly name: string;
  /** Only what comes after it is delivered; null: only what is written from now on. */
  readonly from: bigint | 'start' | 'end';
  readonly filter: Filter;
  readonly maxRetryCount: number;
  readonly maxSubscriberCount: number;
  readonly messageTimeoutMs: number;
  readonly strategy: string;
}

export interface Delivery {
  readonly record: LogRecord;
  readonly retries: number;
}

export interface Subscriber {
  /** How many messages it takes before it acknowledges one. */
  readonly capacity: number;
  readonly connection: string;
  deliver(delivery: Delivery): void;
  /** The group is gone, or the subscriber is no longer wanted. */
  drop(): void;
}

interface InFlight extends Delivery {
  readonly subscriber: Subscriber;
  readonly timer: NodeJS.Timeout;
}

export type Verdict = 'ack' | 'retry' | 'park' | 'skip' | 'stop';

/** A persistent subscription: the server keeps its place, deals events out to whoever is there, and takes back what is not handled. */
export interface Group {
  readonly options: GroupOptions;
  join(subscriber: Subscriber): boolean;
  leave(subscriber: Subscriber): void;
  settle(id: string, verdict: Verdict): void;
  replayParked(limit: number): void;
  close(): void;
  readonly parked: number;
  readonly inFlight: number;
  readonly subscribers: ReadonlySet<Subscriber>;
}

export function openGroup(journal: Journal, options: GroupOptions): Group {
  const subscribers = new Set<Subscriber>();
  const inFlight = new Map<string, InFlight>();
  const parked: LogRecord[] = [];
  let again: Delivery[] = [];
  let next = firstIndex(journal, options);
  const forget = journal.onWrite(() => queueMicrotask(deal));

  function nextDelivery(): Delivery | null {
    const retried = again.shift();
    if (retried !== undefined) return retried;
    for (;;) {
      const record = journal.all[next];
      if (record === undefined) return null;
      next += 1;
      if (wants(options, record) && journal.isVisible(record)) return { record, retries: 0 };
    }
  }

  function freeSubscriber(): Subscriber | undefined {
    const load = (subscriber: Subscriber) =>
      [...inFlight.values()].filter((one) => one.subscriber === subscriber).length;
    const free = [...subscribers].find((subscriber) => load(subscriber) < subscriber.capacity);
    // Round robin: whoever gets something is the last to get something again.
    if (free !== undefined && options.strategy !== 'DispatchToSingle') {
      subscribers.delete(free);
      subscribers.add(free);
    }
    return free;
  }

  function deal(): void {
    for (let to = freeSubscriber(); to !== undefined; to = freeSubscriber()) {
      const delivery = nextDelivery();
      if (delivery === null) return;
      const { id } = delivery.record;
      const timer = setTimeout(() => settle(id, 'retry'), options.messageTimeoutMs);
      timer.unref();
      inFlight.set(id, { ...delivery, subscriber: to, timer });
      to.deliver(delivery);
    }
  }

  function settle(id: string, verdict: Verdict): void {
    const one = inFlight.get(id);
    if (one === undefined) return;
    clearTimeout(one.timer);
    inFlight.delete(id);
    const exhausted = verdict === 'retry' && one.retries >= options.maxRetryCount;
    if (verdict === 'park' || exhausted) parked.push(one.record);
    else if (verdict === 'retry') again.push({ record: one.record, retries: one.retries + 1 });
    else if (verdict === 'stop') one.subscriber.drop();
    deal();
  }

  return {
    options,
    subscribers,
    get parked() {
      return parked.length;
    },
    get inFlight() {
      return inFlight.size;
    },
    join(subscriber) {
      if (options.maxSubscriberCount > 0 && subscribers.size >= options.maxSubscriberCount) return false;
      subscribers.add(subscriber);
      queueMicrotask(deal);
      return true;
    },
    leave(subscriber) {
      subscribers.delete(subscriber);
      const left = [...inFlight.values()].filter((one) => one.subscriber === subscriber);
      for (const { record, timer } of left) {
        clearTimeout(timer);
        inFlight.delete(record.id);
      }
      // What it had in hand goes to the others, in the order it had.
      again = [...left.map(({ record, retries }) => ({ record, retries })), ...again];
      deal();
    },
    settle,
    replayParked(limit) {
      again.push(...parked.splice(0, limit).map((record) => ({ record, retries: 0 })));
      deal();
    },
    close() {
      forget();
      for (const { timer } of inFlight.values()) clearTimeout(timer);
      for (const subscriber of subscribers) subscriber.drop();
    },
  };
}

function wants({ source, filter, from }: GroupOptions, record: LogRecord): boolean {
  if (source === '$all') return filter.passes(record);
  return record.stream === source && (typeof from !== 'bigint' || record.revision >= from);
}

function firstIndex(journal: Journal, { source, from }: GroupOptions): number {
  if (from === 'end') return journal.all.length;
  if (source !== '$all' || from === 'start') return 0;
  return journal.seek(from, false) ?? 0;
}
