import { createHash } from 'node:crypto';

import type { ClientBase, Pool } from 'pg';

import { columnOf, liveTable, schema } from './rows.ts';
import type { AnyView } from './view.ts';

/** How far a view has come; it changes in the transaction that changes the view's rows, and only there. */
export interface Checkpoint {
  readonly view: string;
  readonly position: bigint;
  /** What the live table was made by; see `shapeOf`. */
  readonly shape: string;
  /** Where the view halted because it could not apply an event, and why; null while it goes on. */
  readonly haltedAt: bigint | null;
  readonly error: string | null;
}

type Queryable = Pick<Pool, 'query'> | Pick<ClientBase, 'query'>;

/** Any numbers will do, so long as nothing else on this database locks them. */
const setupLock = 0x7669_6577;

const columns = 'view, position, shape, halted_at AS "haltedAt", error';

/** Tells tables apart that were made by definitions or reducers of different meaning. */
export function shapeOf({ definition, revision, fields, key, categories, personal = {} }: AnyView): string {
  const text = JSON.stringify([definition, revision, fields, key, categories, personal]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Makes what is missing: the schema, the table of checkpoints, and an empty table for each view that has none. */
export async function ensureViews(client: ClientBase, views: readonly AnyView[]): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [setupLock]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    // Checkpoints are updated all the time: room on the page keeps these updates from ever touching an index.
    await client.query(`CREATE TABLE IF NOT EXISTS ${schema}.checkpoints (
      view text COLLATE "C" PRIMARY KEY, position bigint NOT NULL, shape text NOT NULL,
      halted_at bigint, error text) WITH (fillfactor = 20)`);
    const known = new Set((await readCheckpoints(client)).map(({ view }) => view));
    for (const view of views.filter(({ name }) => !known.has(name))) {
      await client.query(`DROP TABLE IF EXISTS ${liveTable(view)}`);
      const { table, indexes } = definitionOf(view, liveTable(view));
      await client.query(table + indexes);
      const insert = `INSERT INTO ${schema}.checkpoints (view, position, shape) VALUES ($1, 0, $2)`;
      await client.query(insert, [view.name, shapeOf(view)]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/**
 * The SQL that makes a table of the view under a name, and that which makes the indexes its readers want: a table that nobody reads
 * yet is filled in half the time without them. What finding a row takes is there from the start.
 */
export function definitionOf(view: AnyView, name: string): { readonly table: string; readonly indexes: string } {
  const [table = '', ...indexes] = view.definition
    .replaceAll('{{table}}', name)
    .split(/^(?=CREATE (?:UNIQUE )?INDEX)/m);
  const { lookup, personal = {} } = view;
  // The server's statistics of a column hold its most common values, and would hold them beyond an erasure.
  const unsampled = Object.keys(personal).map(
    (field) => `ALTER TABLE ${name} ALTER COLUMN ${columnOf(field)} SET STATISTICS 0;\n`,
  );
  const forLookup =
    lookup.by === 'field' ? `CREATE INDEX ON ${name} (${columnOf(lookup.field)}) WHERE ${lookup.openSql};\n` : '';
  return { table: [table, ...unsampled, forLookup].join(''), indexes: indexes.join('') };
}

/** All checkpoints as they were committed last. */
export async function readCheckpoints(db: Queryable): Promise<Checkpoint[]> {
  return decode((await (db as Pool).query<RawCheckpoint>(`SELECT ${columns} FROM ${schema}.checkpoints`)).rows);
}

/** The checkpoints of these views, locked until the transaction ends: nobody else moves the views meanwhile. */
export async function lockCheckpoints(client: ClientBase, views: readonly AnyView[]): Promise<Map<string, Checkpoint>> {
  const text = `SELECT ${columns} FROM ${schema}.checkpoints WHERE view = ANY($1) ORDER BY view FOR UPDATE`;
  const { rows } = await client.query<RawCheckpoint>(text, [views.map(({ name }) => name)]);
  return new Map(decode(rows).map((checkpoint) => [checkpoint.view, checkpoint]));
}

/** Moves views on; for the transaction that holds their locks and has written their rows. */
export async function moveCheckpoints(client: ClientBase, views: readonly string[], position: bigint): Promise<void> {
  if (views.length === 0) return;
  const text = `UPDATE ${schema}.checkpoints SET position = $1 WHERE view = ANY($2)`;
  await client.query(text, [position.toString(), views]);
}

/** Sets a view apart at the event that it can't apply. */
export async function recordHalt(db: Queryable, view: AnyView, position: bigint, error: string): Promise<void> {
  const text = `UPDATE ${schema}.checkpoints SET halted_at = $2, error = $3 WHERE view = $1`;
  await (db as Pool).query(text, [view.name, position.toString(), error.replaceAll('\0', '\uFFFD')]);
}

/** Gives halted views another chance, as each start of the runner does. */
export async function clearHalts(db: Queryable): Promise<void> {
  await (db as Pool).query(
    `UPDATE ${schema}.checkpoints SET halted_at = NULL, error = NULL WHERE halted_at IS NOT NULL`,
  );
}

type RawCheckpoint = Omit<Checkpoint, 'position' | 'haltedAt'> & {
  position: string | bigint;
  haltedAt: string | bigint | null;
};

function decode(rows: readonly RawCheckpoint[]): Checkpoint[] {
  return rows.map((row) => ({
    ...row,
    position: BigInt(row.position),
    haltedAt: row.haltedAt === null ? null : BigInt(row.haltedAt),
  }));
}
