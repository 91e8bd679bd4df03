import type { DomainEvent } from '../kernel/decider.ts';
import type { BackupId, NodeId, OperationId, TenantId } from '../kernel/ids.ts';

export type RestoreEvent =
  | DomainEvent<
      'RestoreRequested',
      { operationId: OperationId; backupId: BackupId; nodeId: NodeId; tenantId: TenantId; inPlace: boolean }
    >
  | DomainEvent<'RestoreStarted', { operationId: OperationId }>
  /** The node holds what the backup holds: the digests of both keyspaces are the same. */
  | DomainEvent<'RestoreCompleted', { operationId: OperationId; keys: number; expiredKeys: number; digest: string }>
  | DomainEvent<'RestoreFailed', { operationId: OperationId; reason: string }>;

/** The stream of one restore, which its operation names. */
export const restoreStream = (operationId: OperationId) => `restore-${operationId}`;
