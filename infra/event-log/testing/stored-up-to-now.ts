import type { StoredEvent } from '../codec.ts';
import type { StoredEvents } from '../stored-events.ts';

/** All that a log has stored so far; closes it. */
export async function storedUpToNow(source: StoredEvents): Promise<StoredEvent[]> {
  const head = await source.head();
  const events: StoredEvent[] = [];
  const done = new AbortController();
  if (head > 0n) {
    for await (const batch of source.follow({ after: 0n, batchSize: 1000, signal: done.signal })) {
      events.push(...batch.filter(({ position }) => position <= head));
      if ((batch.at(-1)?.position ?? 0n) >= head) done.abort();
    }
  }
  await source.close();
  return events;
}
