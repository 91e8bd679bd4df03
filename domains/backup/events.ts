import type { DomainEvent } from '../kernel/decider.ts';
import type { BackupId, NodeId, OperationId, TenantId } from '../kernel/ids.ts';

export type BackupEvent =
  | DomainEvent<
      'BackupRequested',
      { backupId: BackupId; nodeId: NodeId; tenantId: TenantId; nodeName: string; operationId: OperationId }
    >
  | DomainEvent<'BackupStarted', { backupId: BackupId }>
  /** The snapshot is in the object store: an RDB file of `bytes` bytes, and the digest of the keyspace it holds. */
  | DomainEvent<
      'BackupCompleted',
      { backupId: BackupId; objectKey: string; sha256: string; bytes: number; keys: number; digest: string }
    >
  /** The stored object was read back, loaded, and its keyspace's digest is the one taken from the node. */
  | DomainEvent<'BackupVerified', { backupId: BackupId }>
  | DomainEvent<'BackupFailed', { backupId: BackupId; reason: string }>
  | DomainEvent<'BackupDeleted', { backupId: BackupId }>;

/** The stream of one backup. */
export const backupStream = (backupId: BackupId) => `backup-${backupId}`;
