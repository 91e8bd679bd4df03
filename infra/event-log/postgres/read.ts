import type { Actor } from '#domains/kernel/envelope.ts';
import type { Pool } from 'pg';

import type { StoredEvent } from '../codec.ts';
import type { ReadFilter } from '../event-log.ts';

interface Row {
  readonly position: bigint;
  readonly event_id: string;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly schema_version: number;
  readonly recorded_at: Date;
  readonly tenant_id: string | null;
  readonly actor_kind: Actor['kind'];
  readonly actor_id: string;
  readonly address: Buffer | null;
  readonly command_id: string;
  readonly correlation_id: string;
  readonly causation_id: string | null;
  readonly trace: string | null;
  readonly data: Buffer;
}

const columns = `position, event_id, stream, version, type, schema_version, recorded_at, tenant_id, actor_kind, actor_id,
  address, command_id, correlation_id, causation_id, trace, data`;

/** The events of one stream, oldest first. */
export async function readStreamRows(
  pool: Pool,
  stream: string,
  fromVersion: number,
  toPosition: bigint | undefined,
): Promise<StoredEvent[]> {
  const upTo = toPosition === undefined ? '' : 'AND position <= $3';
  const { rows } = await pool.query<Row>({
    name: `read-stream${upTo}`,
    text: `SELECT ${columns} FROM events WHERE stream = $1 AND version >= $2 ${upTo} ORDER BY version`,
    values: toPosition === undefined ? [stream, fromVersion] : [stream, fromVersion, toPosition],
  });
  return rows.map(storedEvent);
}

/** The first events after a position and up to another, at most `limit` of them. */
export async function readRows(
  pool: Pool,
  after: bigint,
  to: bigint,
  limit: number,
  { categories, tenantId }: ReadFilter,
): Promise<StoredEvent[]> {
  const values: unknown[] = [after, to, limit];
  let where = 'position > $1 AND position <= $2';
  if (categories !== undefined) where += ` AND category = ANY ($${values.push(categories)})`;
  if (tenantId !== undefined) where += ` AND tenant_id = $${values.push(tenantId)}`;
  const text = `SELECT ${columns} FROM events WHERE ${where} ORDER BY position LIMIT $3`;
  const { rows } = await pool.query<Row>({ name: `read ${where}`.slice(0, 63), text, values });
  return rows.map(storedEvent);
}

/** The position of the last event. */
export async function readHead(pool: Pool): Promise<bigint> {
  const { rows } = await pool.query<{ position: bigint }>({ name: 'head', text: 'SELECT position FROM head' });
  return rows[0]?.position ?? 0n;
}

/** The last position recorded at or before a time. */
export async function readPositionAt(pool: Pool, time: Date): Promise<bigint> {
  const { rows } = await pool.query<{ position: bigint }>('SELECT position_at($1) AS position', [time]);
  return rows[0]?.position ?? 0n;
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
    metadata: {
      actor: { kind: row.actor_kind, id: row.actor_id },
      commandId: row.command_id,
      correlationId: row.correlation_id,
      causationId: row.causation_id,
      trace: row.trace,
      tenantId: row.tenant_id,
    },
  };
}
