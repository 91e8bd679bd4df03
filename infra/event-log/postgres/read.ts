import type { Pool, QueryResultRow } from 'pg';

import type { StoredEvent } from '../codec.ts';
import type { ReadFilter, StreamRange } from '../event-log.ts';
import { lend } from './lend.ts';
import { decodeMetadata } from './stored-metadata.ts';

interface Row {
  readonly position: bigint;
  readonly event_id: string;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly schema_version: number;
  readonly recorded_at: Date;
  readonly tenant_id: string | null;
  readonly metadata: Buffer;
  readonly address: Buffer | null;
  readonly data: Buffer;
}

const columns =
  'position, event_id, stream, version, type, schema_version, recorded_at, tenant_id, metadata, address, data';

/** The largest that PostgreSQL's integer and bigint hold: beyond every version and every position. */
const [versionMax, positionMax] = [2 ** 31 - 1, 2n ** 63n - 1n];
/** How long the server has for one answer before it is asked again over another connection. */
const answerMs = 30_000;
/** A filtered read looks at so many positions at once, so that it ends in time where little or nothing matches. */
const filterWindow = 100_000n;

function query<R extends QueryResultRow>(pool: Pool, name: string, text: string, values: unknown[]): Promise<R[]> {
  return lend(pool, answerMs, async (client) => (await client.query<R>({ name, text, values })).rows);
}

/** Events of one stream, in the direction of the range. */
export async function readStreamRows(
  pool: Pool,
  stream: string,
  { direction = 'forward', fromVersion, limit = versionMax, toPosition = positionMax }: StreamRange,
): Promise<StoredEvent[]> {
  const backward = direction === 'backward';
  const text = `SELECT ${columns} FROM events WHERE stream_id = (SELECT first_position FROM streams WHERE stream = $1)
    AND version ${backward ? '<=' : '>='} $2 AND position <= $3 ORDER BY version ${backward ? 'DESC' : 'ASC'} LIMIT $4`;
  const from = Math.min(fromVersion ?? (backward ? versionMax : 0), versionMax);
  const rows = await query<Row>(pool, `read-stream-${direction}`, text, [stream, from, toPosition, limit]);
  return rows.map(storedEvent);
}

/**
 * The first events after a position and up to another, at most `limit` of them. `upTo` is how far that reaches: there is nothing
 * more to find before it.
 */
export async function readRows(
  pool: Pool,
  after: bigint,
  to: bigint,
  limit: number,
  { categories, types, tenantId }: ReadFilter,
): Promise<{ events: StoredEvent[]; upTo: bigint }> {
  const filtered = categories !== undefined || types !== undefined || tenantId !== undefined;
  const end = filtered && after + filterWindow < to ? after + filterWindow : to;
  const values: unknown[] = [after, end, limit];
  let [name, where] = ['read', 'position > $1 AND position <= $2'];
  if (categories !== undefined) {
    name += '-categories';
    where += ` AND category = ANY ($${values.push(categories)})`;
  }
  if (types !== undefined) {
    name += '-types';
    where += ` AND type = ANY ($${values.push(types)})`;
  }
  if (tenantId !== undefined) {
    name += '-tenant';
    where += ` AND tenant_id = $${values.push(tenantId)}`;
  }
  const text = `SELECT ${columns} FROM events WHERE ${where} ORDER BY position LIMIT $3`;
  const events = (await query<Row>(pool, name, text, values)).map(storedEvent);
  const last = events.at(-1);
  return { events, upTo: events.length < limit || last === undefined ? end : last.position };
}

/** The position of the last event. */
export async function readHead(pool: Pool): Promise<bigint> {
  const [row] = await query<{ position: bigint }>(pool, 'head', 'SELECT position FROM head', []);
  if (row === undefined) throw new Error('The table head is empty; the database was not restored as a whole.');
  return row.position;
}

/** The last position recorded at or before a time. */
export async function readPositionAt(pool: Pool, time: Date): Promise<bigint> {
  const text = 'SELECT position_at($1) AS position';
  const [row] = await query<{ position: bigint }>(pool, 'position-at', text, [time]);
  return row?.position ?? 0n;
}

function storedEvent(row: Row): StoredEvent {
  return {
    position: row.position,
    eventId: row.event_id,
    stream: row.stream,
    version: row.version,
    type: row.type,
    schemaVersion: row.schema_version,
    recordedAt: row.recorded_at.toISOString(),
    address: row.address,
    data: row.data,
    metadata: { ...decodeMetadata(row.metadata), tenantId: row.tenant_id },
  };
}
