import { Pool } from 'pg';
import { openEmmett } from './emmett.ts';
import { lifecycle, streamOf } from './lifecycles.ts';

const nodesAtOnce = 500;

/**
 * Gives Emmett the same nodes, past its append function. Its readers go on behind a global position but read in the order of
 * transactions; what several writers append at once they may pass over (here: 60 of 50,000 events), so one transaction follows the other.
 */
export async function loadEmmett(url: string, count: number): Promise<void> {
  await (await openEmmett(url)).close();
  const pool = new Pool({ connectionString: url, max: 1 });
  for (let from = 0; from < count; from += nodesAtOnce) {
    const numbers = Array.from({ length: Math.min(nodesAtOnce, count - from) }, (_, n) => from + n);
    const rows = numbers.flatMap((n) =>
      lifecycle(n).map(({ type, data }, version) => ({ stream: streamOf(n), version: version + 1, type, data })),
    );
    await pool.query(
      `INSERT INTO emt_messages (stream_id, stream_position, partition, message_data, message_metadata,
                                 message_schema_version, message_type, message_id, transaction_id)
       SELECT stream, version, 'emt:default', data, '{}', '1', type, gen_random_uuid(), pg_current_xact_id()
       FROM jsonb_to_recordset($1) AS event (stream text, version bigint, type text, data jsonb)`,
      [JSON.stringify(rows)],
    );
  }
  await pool.end();
}
