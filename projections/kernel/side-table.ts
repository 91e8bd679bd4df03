import { setTimeout as sleep } from 'node:timers/promises';

import type { EventLog } from '#infra/event-log/event-log.ts';
import type { ClientBase, Pool, PoolClient } from 'pg';

import { foldFromTable, writeRows } from './apply.ts';
import { definitionOf } from './checkpoints.ts';
import { erase, erasedBy, erasures } from './erasure.ts';
import { emptyFold } from './fold.ts';
import { schema } from './rows.ts';
import type { AnyView } from './view.ts';

/** A table of a view beside the live one, filled from the log up to a position. */
export interface SideTable {
  readonly table: string;
  position: bigint;
}

/** PostgreSQL takes a moment to notice that a connection has gone, and to let go of its lock. */
const lockPatience_ms = 500;

/** Told from time to time how far a side table has come. */
export type Progress = (position: bigint, target: bigint) => void;

/** Who looks on while a side table is filled. */
export interface Watching {
  readonly progress?: Progress;
  /** Ends the work after the batch in hand, with the signal's reason. */
  readonly signal?: AbortSignal;
}

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

/** The rows of so many streams are held before they are written: most streams are short, and their rows are written once. */
const heldStreams = 20_000;

/** Applies the log's events to the side table up to a position. */
export async function fill(
  client: ClientBase,
  log: EventLog,
  view: AnyView,
  side: SideTable,
  to: bigint,
  { progress, signal }: Watching = {},
): Promise<void> {
  if (side.position >= to) return;
  const filter = { categories: view.categories };
  let fold = emptyFold();
  let writing = Promise.resolve();
  for await (const batch of log.readAll({ after: side.position, to, filter, batchSize: 2000 })) {
    signal?.throwIfAborted();
    await foldFromTable(client, view, side.table, fold, batch);
    if (fold.known.size >= heldStreams) {
      await writing;
      // Goes on while the next events are read; what they ask the table for comes after it on the same connection.
      writing = writeRows(client, view, side.table, fold);
      writing.catch(ignore);
      fold = emptyFold();
    }
    const last = batch.at(-1);
    if (last !== undefined) progress?.(last.position, to);
  }
  await writing;
  await writeRows(client, view, side.table, fold);
  if (view.personal !== undefined) {
    for await (const batch of log.readAll({ after: side.position, to, filter: { categories: [erasures] } })) {
      await erase(client, view, side.table, erasedBy(batch));
    }
  }
  side.position = to;
  progress?.(to, to);
}

/** Whoever awaits the same promise later gets the error. */
function ignore(): void {}
