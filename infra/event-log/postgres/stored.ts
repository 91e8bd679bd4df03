import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { Pool } from 'pg';

import { openArchivedEvents } from '../archive/archived-events.ts';
import type { StoredEvent } from '../codec.ts';
import { watchHead } from './head-watch.ts';
import { openLogReader } from './log-reader.ts';
import { readHead } from './read.ts';

/** The log's events as they are stored, for those who pass them on without a look into them. */
export interface StoredEvents {
  /** The furthest position known to be committed. */
  readonly known: bigint;
  head(): Promise<bigint>;
  /** The first events after a position and up to another, at most `limit`. Rejects while the database is away. */
  read(after: bigint, to: bigint, limit: number): Promise<StoredEvent[]>;
  /** Resolves as soon as the log reaches beyond a position, or when the signal is given. */
  beyond(position: bigint, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Reads what the PostgreSQL log has stored, and what was archived of it; nothing is decoded or decrypted. */
export function openStoredEvents(pool: Pool, objects?: Pick<ObjectStore, 'get'>): StoredEvents {
  const reader = openLogReader(pool, objects === undefined ? undefined : openArchivedEvents(objects));
  const watch = watchHead(pool, true);
  return {
    get known() {
      return watch.known;
    },
    head: () => readHead(pool),
    read: async (after, to, limit) => (await reader.readAll(after, to, limit, {})).events,
    beyond: (position, signal) => watch.beyond(position, signal),
    close: () => watch.close(),
  };
}
