import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from '#infra/logging/log.ts';

import type { HostedNodes } from './hosted-nodes.ts';

interface UnloadingOptions {
  readonly hosted: Pick<HostedNodes, 'unloadIdle'>;
  /** How long nobody must have used a node; 0 for never. */
  readonly after_ms: number;
  readonly log: Logger;
}

const longestPeriod_ms = 15_000;

/**
 * Lets nodes that nobody uses go to the disk, where they cost no memory: most of thousands of tenants are away at any moment.
 * Whoever comes to one finds it a few milliseconds later (`wake`), with all it had but statistics and cached scripts, as after a
 * restart. Returns what ends this; it waits for a node that is on its way.
 */
export function unloadWhenIdle({ hosted, after_ms, log }: UnloadingOptions): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  async function run(): Promise<void> {
    while (!signal.aborted) {
      await sleep(Math.min(longestPeriod_ms, after_ms / 4), undefined, { signal, ref: false });
      try {
        await hosted.unloadIdle(after_ms, signal);
      } catch (error) {
        log.error({ err: error }, 'an idle node could not be written to the disk; it stays in memory');
      }
    }
  }
  const running = after_ms === 0 ? Promise.resolve() : run().catch(() => {});
  return async () => {
    stopping.abort();
    await running;
  };
}
