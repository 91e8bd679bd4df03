import type { BackupCommand } from '#domains/backup/commands.ts';
import { backupDecider, type BackupState } from '#domains/backup/decider.ts';
import { backupStream, type BackupEvent } from '#domains/backup/events.ts';
import type { BackupId } from '#domains/kernel/ids.ts';
import { step } from '#infra/commands/step.ts';
import { backupObjectPrefix } from '#infra/object-store/backup-keys.ts';
import type { BackupInput } from '#infra/temporal/workflow-names.ts';

import type { WorkflowParts } from '../parts.ts';
import { readRequest, report, type Requested } from '../report.ts';

/** What the log says of a backup: what was asked for, and what has become of it. */
export type FoundBackup = Requested<Extract<BackupEvent, { type: 'BackupRequested' }>, BackupState>;

/** Reads the backup's stream. */
export function readBackup({ log }: Pick<WorkflowParts, 'log'>, { backupId }: BackupInput): Promise<FoundBackup> {
  return readRequest(log, backupStream(backupId as BackupId), backupDecider, 'BackupRequested');
}

/** Sends a command to the backup in the workflow's name. */
export function tellBackup(
  { log }: Pick<WorkflowParts, 'log'>,
  { request }: FoundBackup,
  command: BackupCommand,
): Promise<void> {
  return report(log, {
    by: 'workflow/backup',
    operationId: request.data.operationId,
    request,
    tenantId: request.data.tenantId,
    target: { kind: 'backup', id: request.data.backupId },
    action: command.type,
    steps: [step({ stream: request.stream, decider: backupDecider, command })],
  });
}

/** Removes what a backup has stored: everything of one that failed, else what is not catalogued. */
export async function removeObjects(
  parts: Pick<WorkflowParts, 'log' | 'objects'>,
  input: BackupInput,
  which: 'all' | 'stray',
): Promise<void> {
  const { request, state } = await readBackup(parts, input);
  const kept = which === 'stray' || state.status === 'verified' ? state.content?.objectKey : undefined;
  for await (const { key } of parts.objects.list(backupObjectPrefix(request.data))) {
    if (key !== kept) await parts.objects.delete(key);
  }
}

/** Says in the log why the backup failed, unless it has ended already. */
export async function failBackup(parts: Pick<WorkflowParts, 'log'>, input: BackupInput, reason: string): Promise<void> {
  const found = await readBackup(parts, input);
  if (found.state.status === 'failed' || found.state.status === 'verified' || found.state.status === 'deleted') return;
  const { backupId } = found.request.data;
  await tellBackup(parts, found, { type: 'ReportBackupFailed', data: { backupId, reason } });
}
