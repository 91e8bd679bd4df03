import { escapeLiteral, type Pool } from 'pg';

import type { StoredEvent } from '../codec.ts';
import type { ReadFilter } from '../event-log.ts';
import { isInPart } from '../part.ts';
import { quoted } from './archiving/partitions.ts';
import { ask } from './ask.ts';
import { copyEvents } from './read.ts';
import { eventColumns, storedEvent, type EventRow } from './rows.ts';

/** Where there are no indexes yet, so many positions are looked at in one go. */
const scanWindow = 100_000n;
/** So many partitions are asked in one go. */
const partitionsPerRead = 64;
/** So few rows are there sooner by a plain query than by COPY. */
const few = 20;
/** The table is not there (any more). */
const undefinedTable = '42P01';

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
  if (to - after > scanWindow) {
    const partitions = await searchablePartitions(pool, after, to);
    if (partitions.length > 0) return search(pool, partitions, after, to, limit, filter);
  }
  const end = after + scanWindow < to ? after + scanWindow : to;
  return batchOf(await wantedRows(pool, 'events', after, end, limit, filter), end, limit);
}

interface SearchablePartition {
  readonly name: string;
  /** All up to here is in this partition or those before it, or in the archive. */
  readonly upTo: bigint;
}

/** The next partitions that have their indexes; none when the next one has none. */
async function searchablePartitions(pool: Pool, after: bigint, to: bigint): Promise<SearchablePartition[]> {
  return ask<{ name: string; upTo: bigint }>(
    pool,
    'searchable',
    `SELECT name, end_position - 1 AS "upTo" FROM event_partitions
     WHERE searchable AND end_position - 1 > $1 AND first_position <= $2
       AND end_position <= (SELECT min(first_position) FROM event_partitions WHERE NOT searchable AND end_position - 1 > $1)
     ORDER BY first_position LIMIT ${partitionsPerRead}`,
    [after, to],
  );
}

/** Asks one partition after the other: what the server knows of each by itself tells it best which index to go by. */
async function search(
  pool: Pool,
  partitions: readonly SearchablePartition[],
  after: bigint,
  to: bigint,
  limit: number,
  filter: ReadFilter,
): Promise<StoredBatch> {
  const found: StoredEvent[] = [];
  let reached = after;
  for (const { name, upTo } of partitions) {
    try {
      found.push(...(await wantedRows(pool, name, reached, to, limit - found.length, filter)));
    } catch (error) {
      // It was archived this moment; whoever asks on finds another list.
      if ((error as { code?: unknown }).code === undefinedTable) break;
      throw error;
    }
    reached = upTo < to ? upTo : to;
    if (found.length >= limit) break;
  }
  return batchOf(found, reached, limit);
}

async function wantedRows(
  pool: Pool,
  table: string,
  after: bigint,
  to: bigint,
  limit: number,
  { tenantId, types, categories, part }: ReadFilter,
): Promise<StoredEvent[]> {
  let where = `position > ${after} AND position <= ${to}`;
  if (tenantId !== undefined) where += ` AND tenant_id = ${escapeLiteral(tenantId)}`;
  if (types !== undefined) where += ` AND type = ANY (${textsOf(types)})`;
  if (categories !== undefined) where += ` AND category = ANY (${textsOf(categories)})`;
  if (part !== undefined) where += ` AND ${isInPart(part)}`;
  // With the values in its text, since COPY takes no parameters; so the server also plans it for these, of which it knows how common
  // they are.
  const select = `SELECT ${eventColumns} FROM ${quoted(table)} WHERE ${where} ORDER BY position LIMIT ${limit}`;
  if (limit <= few) return (await ask<EventRow>(pool, undefined, select, [])).map(storedEvent);
  return copyEvents(pool, select);
}

function textsOf(texts: readonly string[]): string {
  return `ARRAY[${texts.map((text) => escapeLiteral(text)).join(', ')}]::text[]`;
}

function batchOf(events: StoredEvent[], to: bigint, limit: number): StoredBatch {
  return { events, upTo: events.length < limit ? to : (events.at(-1)?.position ?? to) };
}
