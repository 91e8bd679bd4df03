import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { Pool } from 'pg';
import type { Server } from './server.ts';
import type { Store } from './store.ts';

export const emmettLabel = 'emmett';

/** The schema is made by Emmett itself, before the first append. It takes a pool of our choice; its own would have 10 connections. */
export async function openEmmett(url: string): Promise<Store> {
  const pool = new Pool({ connectionString: url, max: poolSize });
  const store = getPostgreSQLEventStore(url, { connectionOptions: { pool } });
  await store.schema.migrate();
  return {
    label: emmettLabel,
    async append(stream, events) {
      const ofTheirs = events.map(({ type, data }) => ({ type, data: data as Record<string, unknown> }));
      await store.appendToStream(stream, ofTheirs, { expectedStreamVersion: 'STREAM_DOES_NOT_EXIST' });
    },
    async close() {
      await store.close();
      await pool.end().catch(() => {});
    },
  };
}

/** One for each of 32 callers; 256 callers take turns on them. */
const poolSize = 32;

export const emmettDatabase = (server: Server): Promise<string> => server.database('emmett');
