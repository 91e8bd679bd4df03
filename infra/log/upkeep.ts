import { setTimeout as sleep } from 'node:timers/promises';

import { archiveLog, ArchivingBusy } from '#infra/event-log/postgres/archiving/run.ts';
import { makeSearchable } from '#infra/event-log/postgres/archiving/searchable.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { Pool } from 'pg';

import { closedStreams } from './closed-streams.ts';

const [minute_ms, day_ms] = [60_000, 24 * 3600 * 1000];
/** How often the log is looked through for what has been closed for long enough. */
const archiveEvery_ms = 6 * 3600 * 1000;

/** Work on the log that is done now and then, by whichever process comes first. */
export interface Upkeep {
  stop(): Promise<void>;
}

/**
 * Keeps the log in order: full partitions get the indexes of filtered reads, and closed streams go to the archive when the policy
 * says so (0 days: never). What fails is logged and tried again.
 */
export function startUpkeep(options: {
  readonly pool: Pool;
  readonly objects: ObjectStore;
  readonly archiveAfter_days: number;
  readonly logger: Logger;
}): Upkeep {
  const stopping = new AbortController();
  const ended = keepUp(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

async function keepUp(options: Parameters<typeof startUpkeep>[0], signal: AbortSignal): Promise<void> {
  const { pool, archiveAfter_days, logger } = options;
  for (let archiveAt = Date.now(); !signal.aborted;) {
    try {
      const made = await makeSearchable(pool);
      if (made > 0) logger.info({ partitions: made }, 'full partitions of the log are searchable now');
      if (archiveAfter_days > 0 && Date.now() >= archiveAt) {
        await archiveOnce(options, signal);
        archiveAt = Date.now() + archiveEvery_ms;
      }
    } catch (error) {
      if (!(error instanceof ArchivingBusy || signal.aborted))
        logger.warn({ err: error }, 'upkeep of the log failed; it is tried again');
    }
    await sleep(minute_ms, undefined, { signal }).catch(() => {});
  }
}

async function archiveOnce(
  { pool, objects, archiveAfter_days, logger }: Parameters<typeof startUpkeep>[0],
  signal: AbortSignal,
): Promise<void> {
  const before = new Date(Date.now() - archiveAfter_days * day_ms);
  for await (const { partition, goes, stays, outcome } of archiveLog({
    pool,
    objects,
    closedBy: closedStreams,
    before,
    signal,
  })) {
    if (outcome === 'left') continue;
    logger.info({ from: String(partition.first), goes, stays, outcome }, 'a partition of the log was archived');
  }
}
