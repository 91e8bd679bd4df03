import type { ClientBase } from 'pg';

/** Does the work in a transaction: all of it is there afterwards, or nothing. */
export async function inTransaction<Result>(client: ClientBase, work: () => Promise<Result>): Promise<Result> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A connection that broke has rolled back by itself.
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
