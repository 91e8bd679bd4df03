import { Pool } from 'pg';
import type { Store } from './store.ts';

/**
 * Not a store but the floor for one caller: the data of both events as one row of a table without an index, by one prepared statement
 * that is a transaction of its own. It costs a round trip, a sync, and as little as a server can do between.
 */
export async function openBareInsert(url: string): Promise<Store> {
  const pool = new Pool({ connectionString: url, max: 1 });
  await pool.query('CREATE TABLE bare (data text)');
  return {
    label: 'bare insert',
    async append(_stream, events) {
      const values = [JSON.stringify(events.map(({ data }) => data))];
      await pool.query({ name: 'bare', text: 'INSERT INTO bare (data) VALUES ($1)', values });
    },
    close: () => pool.end(),
  };
}
