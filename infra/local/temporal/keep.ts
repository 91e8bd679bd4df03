import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from '#infra/logging/log.ts';

import { type ChildState, supervise, type Supervised } from '../supervise.ts';
import { seconds, type Terminal } from '../terminal.ts';
import { launchTemporal, type TemporalOptions } from './launch.ts';
import { obtainTemporal, temporalAtHand, type TemporalProgram } from './program.ts';

/** After a failure to get hold of a server it is looked for again: somebody may have installed one. */
const retryAfter_ms = 60_000;

/**
 * Keeps a Temporal server running in the background: one at hand at once, otherwise one that is fetched or built after
 * `mayBeBusy` has settled, so that a build never takes the processors from a platform that is still starting.
 */
export function keepTemporal(
  options: Omit<TemporalOptions, 'program'>,
  mayBeBusy: Promise<unknown>,
  terminal: Terminal,
  log: Logger,
  onState: (state: ChildState) => void,
): Pick<Supervised, 'stop'> {
  const stopped = new AbortController();
  let server: Supervised | undefined;

  const obtain = async (): Promise<TemporalProgram> => {
    await mayBeBusy;
    const startedAt = performance.now();
    let step = '';
    const report = (): void => terminal.progress(`Temporal: ${step} (${seconds(performance.now() - startedAt)}) …`);
    const ticking = setInterval(report, 1000);
    try {
      return await obtainTemporal(stopped.signal, (next) => (step = next));
    } finally {
      clearInterval(ticking);
    }
  };

  const run = async (): Promise<void> => {
    const program = temporalAtHand() ?? (await obtain());
    stopped.signal.throwIfAborted();
    log.info({ program }, 'Temporal is started');
    server = supervise('temporal', async () => launchTemporal({ ...options, program }), log, onState);
    const startedAt = performance.now();
    await server.ready;
    if (!stopped.signal.aborted) {
      terminal.line(`Temporal: ready (${seconds(performance.now() - startedAt)}), backups and restores run.`);
    }
  };

  const keep = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        await run();
        return;
      } catch (error) {
        if (stopped.signal.aborted) return;
        const reason = error instanceof Error ? error.message : String(error);
        log.error({ reason }, 'no Temporal server could be had');
        terminal.line(
          `Temporal: not available (${reason}). Everything else works; backups and restores wait. ` +
            'Install Go 1.25 or newer, put `temporal` on the PATH, or set TEMPORAL_ADDRESS.',
        );
        await sleep(retryAfter_ms, undefined, { signal: stopped.signal }).catch(() => {});
      }
    }
  };
  const done = keep();

  return {
    async stop() {
      stopped.abort();
      await server?.stop();
      await done;
    },
  };
}
