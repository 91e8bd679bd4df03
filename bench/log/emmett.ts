import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { Pool } from 'pg';
import type { Server } from './server.ts';
import type { Store } from './store.ts';

export const emmettLabel = 'emmett';

/** The schema is made by Emmett itself, before the first append. Its pool gets as many connections as serve it best (`poolSize`). */
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

/** On four cores 10 and 100 connections were slower than this, with 32 callers and with 256. */
const poolSize = 32;

export const emmettDatabase = (server: Server): Promise<string> => server.database('emmett');
