import { setTimeout as sleep } from 'node:timers/promises';

import type { ClientBase, Pool, PoolClient } from 'pg';

import { definitionOf } from './checkpoints.ts';
import { schema } from './rows.ts';
import type { AnyView } from './view.ts';

/** A table of a view beside the live one, filled from the log up to a position. */
export interface SideTable {
  readonly table: string;
  position: bigint;
}

/** PostgreSQL takes a moment to notice that a connection has gone, and to let go of its lock. */
const lockPatience_ms = 500;

/** Somebody else rebuilds or verifies the same view at this moment. */
export class SideTableBusy extends Error {
  override readonly name = 'SideTableBusy';
}

/**
 * Runs `work` with a new side table of the view and a connection that owns it: there is one at a time. The table is dropped
 * afterwards unless it took the live one's place; what a crashed predecessor left is dropped before.
 */
export async function withSideTable<Result>(
  pool: Pool,
  view: AnyView,
  work: (client: PoolClient, side: SideTable) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  client.on('error', () => {});
  try {
    await lockBeside(client, view);
    await client.query('SET synchronous_commit = off');
    await dropSideTables(client, view);
    const table = `${schema}.${view.name}__${Date.now().toString(36)}`;
    await client.query(definitionOf(view, table).table);
    try {
      return await work(client, { table, position: 0n });
    } finally {
      await dropSideTables(client, view).catch(() => {});
    }
  } finally {
    client.release(true);
  }
}

/** The lock ends with the connection, so whoever gets it may clear away whatever lies about. */
async function lockBeside(client: ClientBase, view: AnyView): Promise<void> {
  const text = 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS mine';
  const end = Date.now() + lockPatience_ms;
  for (;;) {
    const { rows } = await client.query<{ mine: boolean }>(text, [`${schema}.${view.name} beside`]);
    if (rows[0]?.mine === true) return;
    if (Date.now() > end) {
      throw new SideTableBusy(`The view ${view.name} is being rebuilt or verified already; wait for that to end.`);
    }
    await sleep(50);
  }
}

async function dropSideTables(client: ClientBase, view: AnyView): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 AND starts_with(tablename, $2)',
    [schema, `${view.name}__`],
  );
  for (const { name } of rows) await client.query(`DROP TABLE IF EXISTS ${schema}."${name}"`);
}
