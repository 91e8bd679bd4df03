import type { Pool } from 'pg';

import { inTransaction } from './in-transaction.ts';
import { fullPartitions, indexForSearch, quoted } from './partitions.ts';

/**
 * Makes the partitions searchable that have become full since the last time; readers and writers go on meanwhile. Returns how many
 * there were. Several processes may do it at once.
 */
export async function makeSearchable(pool: Pool): Promise<number> {
  const client = await pool.connect();
  try {
    const partitions = await fullPartitions(client, 'unsearchable');
    let made = 0;
    for (const { name } of partitions) {
      made += await inTransaction(client, async () => {
        // Whoever else has the same in mind waits here, and finds it done; one that was archived meanwhile is gone.
        const { rowCount } = await client.query(
          'SELECT FROM event_partitions WHERE name = $1 AND NOT searchable FOR UPDATE',
          [name],
        );
        if (rowCount === 0) return 0;
        await indexForSearch(client, name);
        await client.query(`ANALYZE ${quoted(name)}`);
        await client.query('UPDATE event_partitions SET searchable = true WHERE name = $1', [name]);
        return 1;
      });
    }
    return made;
  } finally {
    client.release();
  }
}
