import type { RecordedEvent } from '#domains/kernel/envelope.ts';

import type { Subscription } from '../event-log.ts';
import { checkBeginning } from '../limits.ts';
import type { HeadWatch } from './head-watch.ts';
import { backOff, isTransient } from './transient.ts';

/** Events in order, and how far they reach: there is nothing more to find up to there. */
export interface ReadBatch {
  readonly events: RecordedEvent[];
  readonly upTo: bigint;
}

interface SubscriptionOptions {
  readonly after: bigint;
  readonly head: () => Promise<bigint>;
  readonly read: (after: bigint, to: bigint) => Promise<ReadBatch>;
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
  if (after > watch.known) {
    const head = await untilItAnswers(options.head, signal);
    if (head !== null) checkBeginning(after, head);
  }
  for (;;) {
    await watch.beyond(after, signal);
    const batch = await untilItAnswers(() => options.read(after, watch.known), signal);
    if (batch === null) return;
    await options.handle(batch.events, batch.upTo);
    after = batch.upTo;
  }
}

/** A server that is away is asked again for as long as it takes; null once the signal is given. */
async function untilItAnswers<Answer>(ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer | null> {
  for (let retry = 1; !signal.aborted; retry += 1) {
    try {
      const answer = await ask();
      return signal.aborted ? null : answer;
    } catch (error) {
      if (!isTransient(error)) throw error;
      await backOff(retry, signal);
    }
  }
  return null;
}
