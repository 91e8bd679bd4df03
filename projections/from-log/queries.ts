import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { backupStream } from '#domains/backup/events.ts';
import { apiKeyStream } from '#domains/identity/events.ts';
import type { ApiKeyId, BackupId, NodeId, OperationId, TenantId } from '#domains/kernel/ids.ts';
import { nodeStream } from '#domains/node/events.ts';
import { restoreStream } from '#domains/restore/events.ts';
import { tenantStream } from '#domains/tenant/events.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { apiKeys, type ApiKeyRow } from '../api_keys/projection.ts';
import { backups, type BackupRow } from '../backups/projection.ts';
import { applyInMemory, emptyFold } from '../kernel/fold.ts';
import type { AnyRow, View } from '../kernel/view.ts';
import { nodes, type NodeRow } from '../nodes/projection.ts';
import { operations } from '../operations/projection.ts';
import type { OperationRow } from '../operations/row.ts';
import { tenants, type TenantRow } from '../tenants/projection.ts';

/** A thing together with the operations that are about it. */
export interface WithOperations<Row> {
  readonly row: Row;
  operation(id: string | undefined): OperationRow | undefined;
}

/**
 * Things as they are in the log at this moment, by the reducers of the read models, so that the reply to a write looks like a
 * later GET and needs not wait for any read model.
 */
export async function tenantFromLog(log: EventLog, id: TenantId): Promise<TenantRow> {
  return rowOf(tenants, await log.readStream(tenantStream(id)), id);
}

export async function apiKeyFromLog(log: EventLog, id: ApiKeyId): Promise<ApiKeyRow> {
  return rowOf(apiKeys, await log.readStream(apiKeyStream(id)), id);
}

export async function restoreFromLog(log: EventLog, id: OperationId): Promise<OperationRow> {
  return rowOf(operations, await log.readStream(restoreStream(id)), id);
}

export async function backupFromLog(log: EventLog, id: BackupId): Promise<WithOperations<BackupRow>> {
  return withOperations(backups, await log.readStream(backupStream(id)), id);
}

export async function nodeFromLog(log: EventLog, id: NodeId): Promise<WithOperations<NodeRow>> {
  return withOperations(nodes, await log.readStream(nodeStream(id)), id);
}

function withOperations<Row extends AnyRow, Event extends DomainEvent>(
  view: View<Row, Event>,
  events: readonly RecordedEvent[],
  id: string,
): WithOperations<Row> {
  const known = rowsOf(operations, events);
  return {
    row: rowOf(view, events, id),
    operation: (operationId) => (operationId === undefined ? undefined : known.get(operationId)),
  };
}

function rowOf<Row extends AnyRow, Event extends DomainEvent>(
  view: View<Row, Event>,
  events: readonly RecordedEvent[],
  id: string,
): Row {
  const row = rowsOf(view, events).get(id);
  if (row === undefined) throw new Error(`The log holds no ${id} although a command on it was accepted.`);
  return row;
}

function rowsOf<Row extends AnyRow, Event extends DomainEvent>(
  view: View<Row, Event>,
  events: readonly RecordedEvent[],
): ReadonlyMap<string, Row> {
  const fold = emptyFold();
  for (const event of events) applyInMemory(view, fold, event);
  return fold.written as Map<string, Row>;
}
