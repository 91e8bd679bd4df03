import type { EventLog } from '#infra/event-log/event-log.ts';
import type { ClientBase, Pool } from 'pg';

import { lockCheckpoints, readCheckpoints, shapeOf } from './checkpoints.ts';
import { columnOf, liveTable } from './rows.ts';
import { fill, type Filling } from './fill.ts';
import { withSideTable, type SideTable } from './side-table.ts';
import type { AnyView } from './view.ts';

/** Whether the live table is what the log says, at one position; else where it first differs. Values are PostgreSQL's text. */
export type Verdict =
  | { readonly same: true; readonly position: bigint; readonly rows: number }
  | {
      readonly same: false;
      readonly position: bigint;
      readonly key: string;
      /** Null when a whole row is missing on one side; that side is null, too. */
      readonly field: string | null;
      readonly live: string | null;
      readonly rebuilt: string | null;
    }
  | { readonly same: false; readonly outdated: true };

/** Rebuilds a view beside the live one and compares them row by row at equal checkpoint. The live view goes on meanwhile. */
export function verify(log: EventLog, pool: Pool, view: AnyView, watching: Filling = {}): Promise<Verdict> {
  return withSideTable(pool, view, async (client, side): Promise<Verdict> => {
    const live = (await readCheckpoints(pool)).find((checkpoint) => checkpoint.view === view.name);
    if (live === undefined) throw new Error(`The view ${view.name} has no checkpoint; start the platform once.`);
    if (live.shape !== shapeOf(view)) return { same: false, outdated: true };
    await fill(client, log, view, side, live.position, watching);
    const snapshot = await pool.connect();
    snapshot.on('error', () => {});
    try {
      await openSnapshot(pool, log, view, client, side, snapshot);
      return await compare(snapshot, view, side);
    } finally {
      snapshot.release(true);
    }
  });
}

/**
 * Brings the side table to exactly where the live one is and opens a snapshot that sees both so. Only for these few milliseconds
 * does the live view wait.
 */
async function openSnapshot(
  pool: Pool,
  log: EventLog,
  view: AnyView,
  owner: ClientBase,
  side: SideTable,
  snapshot: ClientBase,
): Promise<void> {
  const holder = await pool.connect();
  holder.on('error', () => {});
  try {
    await holder.query('BEGIN');
    const live = (await lockCheckpoints(holder, [view])).get(view.name);
    if (live === undefined) throw new Error(`The view ${view.name} lost its checkpoint.`);
    await fill(owner, log, view, side, live.position);
    await snapshot.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await snapshot.query(`SELECT 1 FROM ${liveTable(view)} LIMIT 1`);
    await holder.query('COMMIT');
  } finally {
    holder.release(true);
  }
}

async function compare(snapshot: ClientBase, view: AnyView, { table, position }: SideTable): Promise<Verdict> {
  const key = columnOf(view.key);
  const fields = Object.keys(view.fields);
  const list = (alias: string) => fields.map((field) => `${alias}.${columnOf(field)}`).join(', ');
  const shown = (alias: string) => fields.map((field) => `${alias}.${columnOf(field)}::text AS "${alias}.${field}"`);
  const { rows } = await snapshot.query<Record<string, string | null>>(
    `SELECT ${[...shown('live'), ...shown('rebuilt')].join(', ')}
     FROM ${liveTable(view)} live FULL JOIN ${table} rebuilt ON live.${key} = rebuilt.${key}
     WHERE (${list('live')}) IS DISTINCT FROM (${list('rebuilt')})
     ORDER BY coalesce(live.${key}, rebuilt.${key}) LIMIT 1`,
  );
  const [different] = rows;
  if (different === undefined) {
    const counted = await snapshot.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${liveTable(view)}`);
    return { same: true, position, rows: Number(counted.rows[0]?.rows) };
  }
  const [liveKey, rebuiltKey] = [different[`live.${view.key}`] ?? null, different[`rebuilt.${view.key}`] ?? null];
  if (liveKey === null || rebuiltKey === null) {
    const [live, rebuilt] = [liveKey === null ? null : 'a row', rebuiltKey === null ? null : 'a row'];
    return { same: false, position, key: liveKey ?? rebuiltKey ?? '', field: null, live, rebuilt };
  }
  const field = fields.find((name) => different[`live.${name}`] !== different[`rebuilt.${name}`]) ?? null;
  const [live, rebuilt] = [different[`live.${field}`] ?? null, different[`rebuilt.${field}`] ?? null];
  return { same: false, position, key: liveKey, field, live, rebuilt };
}
