import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

import type { Part } from '#infra/event-log/part.ts';

import type { Filling, Stretch, Watching } from './kernel/fill.ts';

/** What a thread is told: a stretch of the log, by the name of its view, and its part of the streams. */
export interface Order extends Omit<Stretch, 'view'> {
  readonly view: string;
  readonly part: Part;
}

/** What a thread says, now and then: the position that it has come to. */
export type Report = bigint;

/** Beyond this, PostgreSQL is what threads wait for. */
const threadsMax = 4;

/** Fills side tables by threads, each of which reads, folds and writes a part of the streams over a connection of its own. */
export function sharedByThreads(threads = Math.min(threadsMax, availableParallelism())): NonNullable<Filling['share']> {
  return async ({ view, ...stretch }, watching) => {
    const reached = Array.from({ length: threads }, () => stretch.after);
    const ending = new AbortController();
    const signals = [ending.signal, ...(watching.signal === undefined ? [] : [watching.signal])];
    const hands = reached.map((_, number) =>
      runThread(
        { ...stretch, view: view.name, part: { number, of: threads } },
        AbortSignal.any(signals),
        (position) => {
          reached[number] = position;
          report(watching, reached, stretch.to);
        },
      ),
    );
    try {
      await Promise.all(hands);
    } finally {
      // When one has failed, what the others do is of no use.
      ending.abort();
      await Promise.allSettled(hands);
    }
  };
}

function report({ progress }: Watching, reached: readonly bigint[], to: bigint): void {
  progress?.(
    reached.reduce((least, position) => (position < least ? position : least), to),
    to,
  );
}

function runThread(order: Order, signal: AbortSignal, onReport: (report: Report) => void): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  const worker = new Worker(new URL('./share-thread.ts', import.meta.url), { workerData: order });
  const stop = () => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  return new Promise<void>((resolve, reject) => {
    worker.on('message', onReport);
    worker.on('error', reject);
    worker.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(signal.aborted ? (signal.reason as Error) : new Error(`A thread ended with exit code ${code}.`));
    });
  }).finally(() => signal.removeEventListener('abort', stop));
}
