import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { Pool } from 'pg';

import { columnOf, selectRows } from './rows.ts';
import type { AnyRow, View } from './view.ts';

/** A part of a list, newest first, and where the next part begins; null at the end. */
export interface Page<Item> {
  readonly items: Item[];
  readonly nextCursor: string | null;
}

export interface PageRequest {
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | null | undefined;
}

/** The cursor was not made by this list. */
export type BadCursor = 'bad_cursor';

/** A part of a WHERE clause with `?` in the place of its one value. */
export interface Condition {
  readonly sql: string;
  readonly value: unknown;
}

/** A condition on each of these fields that is given. */
export function equal(fields: Readonly<Record<string, string | null | undefined>>): Condition[] {
  return Object.entries(fields).flatMap(([field, value]) =>
    value === undefined || value === null ? [] : [{ sql: `${columnOf(field)} = ?`, value }],
  );
}

/** The rows that meet all conditions, from the newest key downwards. Ids sort by the time they were made. */
export async function selectPage<Row extends AnyRow, Event extends DomainEvent>(
  pool: Pool,
  view: View<Row, Event>,
  conditions: readonly Condition[],
  { limit, cursor }: PageRequest,
): Promise<Page<Row> | BadCursor> {
  const all = [...conditions];
  const key = columnOf(view.key);
  if (cursor !== undefined && cursor !== null) {
    const after = keyOfCursor(view, cursor);
    if (after === null) return 'bad_cursor';
    all.push({ sql: `${key} < ?`, value: after });
  }
  const where = all.map(({ sql }, index) => sql.replaceAll('?', `$${index + 1}`)).join(' AND ');
  const values = [...all.map(({ value }) => value), limit + 1];
  const rest = `${where === '' ? '' : `WHERE ${where} `}ORDER BY ${key} DESC LIMIT $${values.length}`;
  return cut(view, await selectRows(pool, view, rest, values), limit);
}

/** The same page of rows in memory, in whatever order they are given. */
export function pageOf<Row extends AnyRow, Event extends DomainEvent>(
  view: View<Row, Event>,
  rows: Iterable<Row>,
  { limit, cursor }: PageRequest,
): Page<Row> | BadCursor {
  const key = (row: Row) => String(row[view.key]);
  const after = cursor === undefined || cursor === null ? undefined : keyOfCursor(view, cursor);
  if (after === null) return 'bad_cursor';
  const following = [...rows].filter((row) => after === undefined || key(row) < after);
  return cut(
    view,
    following.sort((left, right) => (key(left) < key(right) ? 1 : -1)),
    limit,
  );
}

function cut<Row extends AnyRow, Event extends DomainEvent>(
  view: View<Row, Event>,
  rows: Row[],
  limit: number,
): Page<Row> {
  const last = rows[limit - 1];
  const more = rows.length > limit && last !== undefined;
  return { items: rows.slice(0, limit), nextCursor: more ? cursorAt(view, String(last[view.key])) : null };
}

function cursorAt(view: { readonly name: string }, key: string): string {
  return Buffer.from(`${view.name} ${key}`).toString('base64url');
}

const textKey = /^[a-z0-9_-]{1,64}$/;
const positionKey = /^(?:0|[1-9][0-9]{0,17})$/;

/** The key that a cursor of this view's lists stands for; null for anything else. */
function keyOfCursor<Row extends AnyRow, Event extends DomainEvent>(
  view: View<Row, Event>,
  cursor: string,
): string | null {
  const [name, key, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ');
  if (name !== view.name || key === undefined || rest.length > 0) return null;
  const pattern = view.fields[view.key] === 'position' ? positionKey : textKey;
  return pattern.test(key) && cursorAt(view, key) === cursor ? key : null;
}
