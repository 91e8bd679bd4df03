import type { RecordedEvent } from '#domains/kernel/envelope.ts';

import type { Subscription } from '../event-log.ts';
import type { HeadWatch } from './head-watch.ts';
import { backOff, isTransient } from './transient.ts';

interface SubscriptionOptions {
  readonly after: bigint;
  readonly batchSize: number;
  readonly read: (after: bigint, to: bigint, limit: number) => Promise<RecordedEvent[]>;
  readonly handle: (batch: RecordedEvent[], upTo: bigint) => Promise<void>;
}

/** Reads on from a position for ever: what is there in batches, then whatever comes. One batch at a time, at the handler's pace. */
export function subscribeTo(watch: HeadWatch, options: SubscriptionOptions): Subscription {
  const stopping = new AbortController();
  const ended = follow(watch, options, stopping.signal);
  // Whoever cares awaits `ended`; a subscription nobody looks at must not end the process before they do.
  ended.catch(() => {});
  return {
    ended,
    async stop() {
      stopping.abort();
      await ended.catch(() => {});
    },
  };
}

async function follow(watch: HeadWatch, options: SubscriptionOptions, signal: AbortSignal): Promise<void> {
  let { after } = options;
  while (!signal.aborted) {
    await watch.beyond(after, signal);
    if (signal.aborted) return;
    const to = watch.known;
    const batch = await readOn(options, after, to, signal);
    if (batch === null) return;
    // A batch that is not full holds all there is up to `to`.
    const last = batch.length < options.batchSize ? to : (batch.at(-1)?.position ?? to);
    await options.handle(batch, last);
    after = last;
  }
}

/** A server that is away is asked again for as long as it takes; null once the signal is given. */
async function readOn(
  options: SubscriptionOptions,
  after: bigint,
  to: bigint,
  signal: AbortSignal,
): Promise<RecordedEvent[] | null> {
  for (let retry = 1; !signal.aborted; retry += 1) {
    try {
      return await options.read(after, to, options.batchSize);
    } catch (error) {
      if (!isTransient(error)) throw error;
      await backOff(retry, signal).catch(() => {});
    }
  }
  return null;
}
