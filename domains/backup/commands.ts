import { z } from 'zod';
import type { DomainCommand } from '../kernel/decider.ts';
import { BackupId, NodeId, OperationId, Sha256, TenantId } from '../kernel/ids.ts';

const BackupOnly = z.strictObject({ backupId: BackupId });

const RequestBackup = z.strictObject({
  backupId: BackupId,
  nodeId: NodeId,
  tenantId: TenantId,
  nodeName: z.string(),
  operationId: OperationId,
});
const ReportBackupCompleted = z.strictObject({
  backupId: BackupId,
  objectKey: z.string().min(1),
  sha256: Sha256,
  bytes: z.int().min(0),
  keys: z.int().min(0),
  digest: z.string().min(1),
});
const ReportBackupFailed = BackupOnly.extend({ reason: z.string().min(1).max(1000) });

export type BackupCommand =
  | DomainCommand<'RequestBackup', z.infer<typeof RequestBackup>>
  | DomainCommand<'DeleteBackup', z.infer<typeof BackupOnly>>
  /** Appends nothing: pins the backup's version in an append that is only right while it can be restored. */
  | DomainCommand<'RequireRestorableBackup', z.infer<typeof BackupOnly>>
  | DomainCommand<'ReportBackupStarted', z.infer<typeof BackupOnly>>
  | DomainCommand<'ReportBackupCompleted', z.infer<typeof ReportBackupCompleted>>
  | DomainCommand<'ReportBackupVerified', z.infer<typeof BackupOnly>>
  | DomainCommand<'ReportBackupFailed', z.infer<typeof ReportBackupFailed>>;
