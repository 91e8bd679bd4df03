import type { Pool } from 'pg';

import type { Snapshot, Snapshots } from '../event-log.ts';

/** Snapshots in the log's own database, so that a dump and a restore keep them in step. The latest one of each stream is kept. */
export function postgresSnapshots(pool: Pool): Snapshots {
  return {
    async read(stream, shape) {
      const { rows } = await pool.query<Snapshot>({
        name: 'snapshot-read',
        text: 'SELECT version, state::text AS state FROM snapshots WHERE stream = $1 AND shape = $2',
        values: [stream, shape],
      });
      return rows[0] ?? null;
    },
    async write(stream, shape, { version, state }) {
      await pool.query({
        name: 'snapshot-write',
        text: `INSERT INTO snapshots AS s (stream, shape, version, state) VALUES ($1, $2, $3, $4)
               ON CONFLICT (stream) DO UPDATE
                 SET shape = excluded.shape, version = excluded.version, state = excluded.state, made_at = now()
                 WHERE s.shape <> excluded.shape OR s.version < excluded.version`,
        values: [stream, shape, version, state],
      });
    },
  };
}
