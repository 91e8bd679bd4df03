import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { Pool } from 'pg';

import { openArchivedEvents } from '../archive/archived-events.ts';
import type { StoredEvents } from '../stored-events.ts';
import { watchHead } from './head-watch.ts';
import { openLogReader } from './log-reader.ts';
import { readHead } from './read.ts';

/** Reads what the PostgreSQL log has stored, and what was archived of it; nothing is decoded or decrypted. */
export function openPostgresStoredEvents(pool: Pool, objects?: Pick<ObjectStore, 'get'>): StoredEvents {
  const reader = openLogReader(pool, objects === undefined ? undefined : openArchivedEvents(objects));
  const watch = watchHead(pool, true);
  return {
    head: () => readHead(pool),
    async *follow({ after, batchSize, signal }) {
      for (let last = after; ;) {
        await watch.beyond(last, signal);
        if (signal.aborted) return;
        const { events } = await reader.readAll(last, watch.known, batchSize, {});
        last = events.at(-1)?.position ?? last;
        if (events.length > 0) yield events;
      }
    },
    close: () => watch.close(),
  };
}
