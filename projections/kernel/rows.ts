import type { ClientBase, Pool } from 'pg';

import type { AnyRow, AnyView, FieldKind, View } from './view.ts';
import type { DomainEvent } from '#domains/kernel/decider.ts';

/** The schema that holds every read model and nothing else. */
export const schema = 'views';

/** The name of a view's live table, qualified. */
export const liveTable = (view: Pick<AnyView, 'name'>) => `${schema}.${view.name}`;

type Queryable = Pick<ClientBase, 'query'> | Pick<Pool, 'query'>;

/** The column of a field: `tenantId` lies in `tenant_id`. */
export const columnOf = (field: string) => field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** All columns of the view, named as its fields, for a SELECT. */
function columns(view: { readonly fields: Readonly<Record<string, FieldKind>> }, alias = ''): string {
  const prefix = alias === '' ? '' : `${alias}.`;
  return Object.keys(view.fields)
    .map((field) => `${prefix}${columnOf(field)} AS "${field}"`)
    .join(', ');
}

/** A row as PostgreSQL gave it, with each field as the view's type says. */
function decodeRow<Row extends AnyRow, Event extends DomainEvent>(view: View<Row, Event>, raw: AnyRow): Row {
  const row: AnyRow = {};
  for (const [field, kind] of Object.entries<FieldKind>(view.fields)) row[field] = decode(kind, raw[field]);
  return row as Row;
}

function decode(kind: FieldKind, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (kind) {
    case 'text':
    case 'integer':
    case 'json':
      return value;
    case 'count':
      return Number(value);
    case 'position':
      return BigInt(value as string | bigint);
    case 'timestamp':
      return (value as Date).toISOString();
  }
}

/** Reads rows of a view: what `sql` adds comes after the FROM of the live table. */
export async function selectRows<Row extends AnyRow, Event extends DomainEvent>(
  db: Queryable,
  view: View<Row, Event>,
  sql: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const text = `SELECT ${columns(view)} FROM ${liveTable(view)} ${sql}`;
  const { rows } = await (db as Pool).query<AnyRow>(text, [...values]);
  return rows.map((row) => decodeRow(view, row));
}

/** The rows that events which look for these values may change, by those values. */
export async function loadCurrent(
  db: Queryable,
  view: AnyView,
  table: string,
  sought: readonly string[],
): Promise<Map<string, AnyRow>> {
  const { lookup } = view;
  if (lookup.by === 'nothing' || sought.length === 0) return new Map();
  const field = lookup.by === 'key' ? view.key : lookup.field;
  const open = lookup.by === 'key' ? '' : ` AND ${lookup.openSql}`;
  const text = `SELECT ${columns(view)} FROM ${table} WHERE ${columnOf(field)} = ANY($1)${open}`;
  const { rows } = await (db as Pool).query<AnyRow>(text, [sought]);
  return new Map(rows.map((raw) => decodeRow(view, raw)).map((row) => [String(row[field]), row]));
}

/** Inserts or replaces rows, all in one statement. */
export async function upsertRows(db: Queryable, view: AnyView, table: string, rows: Iterable<AnyRow>): Promise<void> {
  const encoded = [...rows].map((row) => encode(view, row));
  if (encoded.length === 0) return;
  await (db as Pool).query(upsertSql(view, table), [JSON.stringify(encoded)]);
}

function upsertSql(view: AnyView, table: string): string {
  const others = Object.keys(view.fields).filter((field) => field !== view.key);
  const names = Object.keys(view.fields).map(columnOf).join(', ');
  const assignments = others.map((field) => `${columnOf(field)} = EXCLUDED.${columnOf(field)}`).join(', ');
  return `INSERT INTO ${table} (${names}) SELECT ${names} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)
    ON CONFLICT (${columnOf(view.key)}) DO UPDATE SET ${assignments}`;
}

/** A row as JSON for jsonb_populate_recordset, which reads a bigint from a string without loss. */
function encode(view: AnyView, row: AnyRow): AnyRow {
  const encoded: AnyRow = {};
  for (const field of Object.keys(view.fields)) {
    const value = row[field];
    encoded[columnOf(field)] = typeof value === 'bigint' ? value.toString() : value;
  }
  return encoded;
}
