import { z } from 'zod';
import type { DomainCommand } from '../kernel/decider.ts';
import { BackupId, NodeId, OperationId, TenantId } from '../kernel/ids.ts';

const RestoreOnly = z.strictObject({ operationId: OperationId });

const RequestRestore = z.strictObject({
  operationId: OperationId,
  backupId: BackupId,
  nodeId: NodeId,
  tenantId: TenantId,
  inPlace: z.boolean(),
});
const ReportRestoreCompleted = RestoreOnly.extend({
  keys: z.int().min(0),
  /** Keys of the backup whose time to live had passed before the restore; they are not in the node. */
  expiredKeys: z.int().min(0),
  digest: z.string().min(1),
});
const ReportRestoreFailed = RestoreOnly.extend({ reason: z.string().min(1).max(1000) });

export type RestoreCommand =
  | DomainCommand<'RequestRestore', z.infer<typeof RequestRestore>>
  | DomainCommand<'ReportRestoreStarted', z.infer<typeof RestoreOnly>>
  | DomainCommand<'ReportRestoreCompleted', z.infer<typeof ReportRestoreCompleted>>
  | DomainCommand<'ReportRestoreFailed', z.infer<typeof ReportRestoreFailed>>;
