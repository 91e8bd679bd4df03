import type { BackupId, NodeId, OperationId, TenantId, ApiKeyId } from '#domains/kernel/ids.ts';
import type { DomainEvent } from '#domains/kernel/decider.ts';
import { backupStream } from '#domains/backup/events.ts';
import { apiKeyStream } from '#domains/identity/events.ts';
import { restoreStream } from '#domains/restore/events.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { apiKeys, type ApiKeyRow } from '#projections/api_keys/projection.ts';
import { backups, type BackupRow } from '#projections/backups/projection.ts';
import { rowsAt } from '#projections/kernel/time-travel.ts';
import type { AnyRow, View } from '#projections/kernel/view.ts';
import { nodeAt, type NodeRow } from '#projections/nodes/queries.ts';
import { operations } from '#projections/operations/projection.ts';
import type { OperationRow } from '#projections/operations/row.ts';
import { tenantAt, type TenantRow } from '#projections/tenants/queries.ts';

/**
 * Things as they are in the log at this moment, by the reducers of the read models, so that the reply to a write looks like a
 * later GET and needs not wait for any read model.
 */
export async function tenantFromLog(log: EventLog, id: TenantId): Promise<TenantRow> {
  return existing(await tenantAt(log, id, await log.head()), id);
}

export async function apiKeyFromLog(log: EventLog, id: ApiKeyId): Promise<ApiKeyRow> {
  return existing((await foldStream(log, apiKeyStream(id), apiKeys)).get(id), id);
}

export async function backupFromLog(log: EventLog, id: BackupId): Promise<BackupRow> {
  return existing((await foldStream(log, backupStream(id), backups)).get(id), id);
}

export async function nodeFromLog(log: EventLog, id: NodeId): Promise<NodeRow> {
  return existing(await nodeAt(log, id, await log.head()), id);
}

/** An operation, by the stream whose events move it on; null when that stream doesn't know it. */
export async function operationFromLog(log: EventLog, stream: string, id: string): Promise<OperationRow | null> {
  return (await foldStream(log, stream, operations)).get(id) ?? null;
}

export async function restoreFromLog(log: EventLog, id: OperationId): Promise<OperationRow> {
  return existing((await foldStream(log, restoreStream(id), operations)).get(id), id);
}

async function foldStream<Row extends AnyRow, Event extends DomainEvent>(
  log: EventLog,
  stream: string,
  view: View<Row, Event>,
): Promise<ReadonlyMap<string, Row>> {
  return rowsAt(log, view, { at: await log.head(), streams: [stream] });
}

function existing<Row>(row: Row | null | undefined, id: string): Row {
  if (row === undefined || row === null) {
    throw new Error(`The log holds no ${id} although a command on it was accepted.`);
  }
  return row;
}
