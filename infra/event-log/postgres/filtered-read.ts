import type { Pool } from 'pg';

import type { StoredEvent } from '../codec.ts';
import type { ReadFilter } from '../event-log.ts';
import { isInPart } from '../part.ts';
import { ask } from './ask.ts';
import { eventColumns, storedEvent, type EventRow } from './rows.ts';

/** Where there are no indexes yet, so many positions are looked at in one go. */
const scanWindow = 100_000n;
/** Where one index finds candidates that the rest of the filter may refuse, so many of them are looked at in one go. */
const candidatesPerValue = 10_000;

/** Events in order, and how far they reach: there is nothing more to find up to there. */
export interface StoredBatch {
  readonly events: StoredEvent[];
  readonly upTo: bigint;
}

/**
 * The first events after a position and up to another that a filter lets through. Each call takes bounded time, whatever the size of
 * the log: full partitions have an index for each part of a filter, and what is not indexed yet is looked at window by window.
 */
export async function readFiltered(
  pool: Pool,
  after: bigint,
  to: bigint,
  limit: number,
  filter: ReadFilter,
): Promise<StoredBatch> {
  // Whoever reads a part reads most of it: what is between costs less than finding each event by itself.
  if (filter.part === undefined && to - after > scanWindow) {
    const indexed = await searchableUpTo(pool);
    if (after < indexed) return search(pool, after, to < indexed ? to : indexed, limit, filter);
  }
  return scan(pool, after, after + scanWindow < to ? after + scanWindow : to, limit, filter);
}

/** The conditions of a filter. The one that lets the least through, as a rule, comes first. */
function conditionsOf({ tenantId, types, categories }: ReadFilter) {
  return [
    { column: 'tenant_id', values: tenantId === undefined ? undefined : [tenantId] },
    { column: 'type', values: types },
    { column: 'category', values: categories },
  ].flatMap(({ column, values }) => (values === undefined ? [] : [{ column, values }]));
}

async function scan(pool: Pool, after: bigint, to: bigint, limit: number, filter: ReadFilter): Promise<StoredBatch> {
  const conditions = conditionsOf(filter);
  const { part } = filter;
  const where = [
    ...conditions.map(({ column }, n) => `AND ${column} = ANY ($${n + 4}::text[])`),
    ...(part === undefined
      ? []
      : [`AND ${isInPart(`$${conditions.length + 4}::int`, `$${conditions.length + 5}::int`)}`]),
  ].join(' ');
  const rows = await ask<EventRow>(
    pool,
    `scan ${conditions.map(({ column }) => column).join(' ')}${part === undefined ? '' : ' part'}`,
    `SELECT ${eventColumns} FROM events WHERE position > $1 AND position <= $2 ${where} ORDER BY position LIMIT $3`,
    [
      after,
      to,
      limit,
      ...conditions.map(({ values }) => values),
      ...(part === undefined ? [] : [part.number, part.of]),
    ],
  );
  const events = rows.map(storedEvent);
  return { events, upTo: events.length < limit ? to : (events.at(-1)?.position ?? to) };
}

async function search(pool: Pool, after: bigint, to: bigint, limit: number, filter: ReadFilter): Promise<StoredBatch> {
  const [by, ...rest] = conditionsOf(filter);
  if (by === undefined) throw new Error('A search needs a condition.');
  const wanted = rest.map(({ column }, n) => `${column} = ANY ($${n + 6}::text[])`).join(' AND ') || 'true';
  // Each value has its own run of the index, so each is followed for itself; where one was not followed to its end, the others are
  // not told of further than that.
  const rows = await ask<Partial<EventRow> & { reached: bigint }>(
    pool,
    `search ${[by, ...rest].map(({ column }) => column).join(' ')}`,
    `WITH candidates AS MATERIALIZED (
       SELECT value, found.position, found.wanted FROM unnest($4::text[]) AS value CROSS JOIN LATERAL (
         SELECT position, ${wanted} AS wanted FROM events
         WHERE ${by.column} = value AND position > $1 AND position <= $2 ORDER BY position LIMIT $5) AS found
     ), reach AS MATERIALIZED (
       SELECT least($2, min(last)) AS reached
       FROM (SELECT max(position) AS last FROM candidates GROUP BY value HAVING count(*) = $5) AS cut
     )
     SELECT reached, e.* FROM reach LEFT JOIN LATERAL (
       SELECT ${eventColumns} FROM (SELECT c.position FROM candidates c WHERE c.wanted AND c.position <= reached ORDER BY 1 LIMIT $3) AS c
       JOIN events USING (position) ORDER BY position) AS e ON true`,
    [after, to, limit, by.values, rest.length === 0 ? limit : candidatesPerValue, ...rest.map(({ values }) => values)],
  );
  const events = rows.flatMap((row) => (row.position === null ? [] : [storedEvent(row as EventRow)]));
  return { events, upTo: events.length < limit ? (rows[0]?.reached ?? to) : (events.at(-1)?.position ?? to) };
}

/** All events up to here are in partitions that have the indexes, or in the archive. */
async function searchableUpTo(pool: Pool): Promise<bigint> {
  const [row] = await ask<{ position: bigint }>(
    pool,
    'searchable',
    'SELECT coalesce(min(first_position) - 1, 0) AS position FROM event_partitions WHERE NOT searchable',
    [],
  );
  return row?.position ?? 0n;
}
