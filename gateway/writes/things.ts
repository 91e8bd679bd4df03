import { backupDecider, type BackupState } from '#domains/backup/decider.ts';
import { backupStream } from '#domains/backup/events.ts';
import { apiKeyDecider, type ApiKeyState } from '#domains/identity/decider.ts';
import { apiKeyStream } from '#domains/identity/events.ts';
import { ApiKeyId, BackupId, NodeId, TenantId } from '#domains/kernel/ids.ts';
import { nodeDecider, type NodeState } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { tenantDecider, type TenantState } from '#domains/tenant/decider.ts';
import { tenantStream } from '#domains/tenant/events.ts';
import { loadState } from '#infra/commands/execute.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';

/** A thing that a command is about, as the log has it now, and whose it is. */
interface Thing<Id, State> {
  readonly id: Id;
  readonly tenantId: TenantId | null;
  readonly state: State;
}

/** The tenant with this id, deleted or not; null when there never was one, or the text is no such id. */
export async function findTenant(log: EventLog, text: string): Promise<Thing<TenantId, TenantState> | null> {
  const id = TenantId.safeParse(text);
  if (!id.success) return null;
  const { state } = await loadState(log, tenantStream(id.data), tenantDecider);
  return state.status === 'absent' ? null : { id: id.data, tenantId: id.data, state };
}

export async function findNode(log: EventLog, text: string): Promise<Thing<NodeId, NodeState> | null> {
  const id = NodeId.safeParse(text);
  if (!id.success) return null;
  const { state } = await loadState(log, nodeStream(id.data), nodeDecider);
  return state.status === 'absent' ? null : { id: id.data, tenantId: state.tenantId, state };
}

export async function findBackup(log: EventLog, text: string): Promise<Thing<BackupId, BackupState> | null> {
  const id = BackupId.safeParse(text);
  if (!id.success) return null;
  const { state } = await loadState(log, backupStream(id.data), backupDecider);
  return state.request === null ? null : { id: id.data, tenantId: state.request.tenantId, state };
}

export async function findApiKey(log: EventLog, text: string): Promise<Thing<ApiKeyId, ApiKeyState> | null> {
  const id = ApiKeyId.safeParse(text);
  if (!id.success) return null;
  const { state } = await loadState(log, apiKeyStream(id.data), apiKeyDecider);
  const { tenantId } = state;
  return state.status === 'absent' ? null : { id: id.data, tenantId: tenantId as TenantId | null, state };
}
