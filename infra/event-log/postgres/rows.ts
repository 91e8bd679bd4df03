import type { StoredEvent } from '../codec.ts';
import { decodeMetadata } from './stored-metadata.ts';

/** An event as the table `events` holds it. */
export interface EventRow {
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

/** The columns of an `EventRow`, for a SELECT. */
export const eventColumns =
  'position, event_id, stream, version, type, schema_version, recorded_at, tenant_id, metadata, address, data';

export function storedEvent(row: EventRow): StoredEvent {
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
