import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from '#infra/logging/log.ts';

import type { Launched } from './launch.ts';

/** Where a supervised process is in its life. */
export type ChildState =
  | { readonly kind: 'starting'; readonly pid: number }
  | { readonly kind: 'ready'; readonly pid: number }
  | { readonly kind: 'waiting'; readonly reason: string; readonly delay_ms: number }
  | { readonly kind: 'stopped' };

/** A process that is started again whenever it ends, until it is stopped. */
export interface Supervised {
  readonly name: string;
  /** Settles when the process is ready for the first time, or is stopped before that. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

/** A process that was ready this long is taken to be sound: its next end is met at once again. */
const soundAfter_ms = 1000;
const delayMin_ms = 100;
const delayMax_ms = 5000;

/** How long to wait before the next start after so many failures in a row: nothing at first, then doubling. */
export function backoff_ms(failures: number): number {
  return failures <= 1 ? 0 : Math.min(delayMax_ms, delayMin_ms * 2 ** (failures - 2));
}

/** Keeps a process running. `launch` may reject, which counts as an end; `onState` hears of every change. */
export function supervise(
  name: string,
  launch: () => Promise<Launched>,
  log: Logger,
  onState: (state: ChildState) => void,
): Supervised {
  const stopped = new AbortController();
  let current: Launched | undefined;
  const { promise: ready, resolve: settleReady } = Promise.withResolvers<void>();

  /** One life of the process; returns how long it was ready and why it ended. */
  const live = async (): Promise<{ readyFor_ms: number; reason: string }> => {
    let readyAt = Infinity;
    try {
      const launched = await launch();
      current = launched;
      if (stopped.signal.aborted) await launched.stop();
      else onState({ kind: 'starting', pid: launched.pid });
      await launched.ready;
      readyAt = performance.now();
      onState({ kind: 'ready', pid: launched.pid });
      log.info({ child: name, childPid: launched.pid }, 'ready');
      settleReady();
      const reason = await launched.exited;
      return { readyFor_ms: performance.now() - readyAt, reason };
    } catch (error) {
      // It may be stuck rather than gone; two of it must never run.
      await current?.stop();
      return { readyFor_ms: 0, reason: error instanceof Error ? error.message : String(error) };
    } finally {
      current = undefined;
    }
  };

  const keep = async (): Promise<void> => {
    let failures = 0;
    while (!stopped.signal.aborted) {
      const { readyFor_ms, reason } = await live();
      if (stopped.signal.aborted) break;
      failures = readyFor_ms >= soundAfter_ms ? 1 : failures + 1;
      const delay_ms = backoff_ms(failures);
      log.warn({ child: name, reason, delay_ms }, 'ended; it is started again');
      onState({ kind: 'waiting', reason, delay_ms });
      await sleep(delay_ms, undefined, { signal: stopped.signal }).catch(() => {});
    }
    settleReady();
    onState({ kind: 'stopped' });
  };
  const done = keep();

  return {
    name,
    ready,
    async stop() {
      stopped.abort();
      await current?.stop();
      await done;
    },
  };
}
