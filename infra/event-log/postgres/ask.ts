import type { Pool, QueryResultRow } from 'pg';

import { lend } from './lend.ts';

/** The rows that a statement answers with. One that has a name is prepared under it, once on each connection. */
export function ask<Row extends QueryResultRow>(
  pool: Pool,
  name: string | undefined,
  text: string,
  values: unknown[],
): Promise<Row[]> {
  return lend(
    pool,
    async (client) => (await client.query<Row>({ ...(name !== undefined && { name }), text, values })).rows,
  );
}
