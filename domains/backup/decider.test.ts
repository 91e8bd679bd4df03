import { describe, it } from 'vitest';
import { BackupId, NodeId, OperationId, TenantId } from '../kernel/ids.ts';
import { specOf, specTable } from '../kernel/spec.ts';
import { backupDecider } from './decider.ts';
import type { BackupEvent } from './events.ts';

const backupId = BackupId.parse('bkp_01jd0000000000000000000000');
const request = {
  backupId,
  nodeId: NodeId.parse('node_01jd0000000000000000000000'),
  tenantId: TenantId.parse('tnt_01jd0000000000000000000000'),
  nodeName: 'cache',
  operationId: OperationId.parse('op_01jd0000000000000000000000'),
};
const content = { backupId, objectKey: 'backups/x.rdb', sha256: 'b'.repeat(64), bytes: 9, keys: 1, digest: 'd' };

const requested: BackupEvent[] = [{ type: 'BackupRequested', data: request }];
const running: BackupEvent[] = [...requested, { type: 'BackupStarted', data: { backupId } }];
const completed: BackupEvent[] = [...running, { type: 'BackupCompleted', data: content }];
const verified: BackupEvent[] = [...completed, { type: 'BackupVerified', data: { backupId } }];
const failed: BackupEvent[] = [...running, { type: 'BackupFailed', data: { backupId, reason: 'disk full' } }];
const deleted: BackupEvent[] = [...verified, { type: 'BackupDeleted', data: { backupId } }];

const { given } = specOf(backupDecider);
const nothingThere = {
  DeleteBackup: 'not_found',
  RequireRestorableBackup: 'not_found',
  ReportBackupStarted: 'not_found',
  ReportBackupCompleted: 'not_found',
  ReportBackupVerified: 'not_found',
  ReportBackupFailed: 'not_found',
} as const;

describe('backup', () => {
  const cases = specTable(
    backupDecider,
    { absent: [], requested, running, completed, verified, failed, deleted },
    {
      RequestBackup: { type: 'RequestBackup', data: request },
      DeleteBackup: { type: 'DeleteBackup', data: { backupId } },
      RequireRestorableBackup: { type: 'RequireRestorableBackup', data: { backupId } },
      ReportBackupStarted: { type: 'ReportBackupStarted', data: { backupId } },
      ReportBackupCompleted: { type: 'ReportBackupCompleted', data: content },
      ReportBackupVerified: { type: 'ReportBackupVerified', data: { backupId } },
      ReportBackupFailed: { type: 'ReportBackupFailed', data: { backupId, reason: 'disk full' } },
    },
    {
      absent: { ...nothingThere, RequestBackup: 'BackupRequested' },
      requested: {
        RequestBackup: 'already_exists',
        DeleteBackup: 'illegal_transition',
        RequireRestorableBackup: 'backup_not_restorable',
        ReportBackupStarted: 'BackupStarted',
        ReportBackupCompleted: 'illegal_transition',
        ReportBackupVerified: 'illegal_transition',
        ReportBackupFailed: 'BackupFailed',
      },
      running: {
        RequestBackup: 'already_exists',
        DeleteBackup: 'illegal_transition',
        RequireRestorableBackup: 'backup_not_restorable',
        ReportBackupStarted: 'nothing',
        ReportBackupCompleted: 'BackupCompleted',
        ReportBackupVerified: 'illegal_transition',
        ReportBackupFailed: 'BackupFailed',
      },
      completed: {
        RequestBackup: 'already_exists',
        DeleteBackup: 'BackupDeleted',
        RequireRestorableBackup: 'nothing',
        ReportBackupStarted: 'nothing',
        ReportBackupCompleted: 'nothing',
        ReportBackupVerified: 'BackupVerified',
        ReportBackupFailed: 'BackupFailed',
      },
      verified: {
        RequestBackup: 'already_exists',
        DeleteBackup: 'BackupDeleted',
        RequireRestorableBackup: 'nothing',
        ReportBackupStarted: 'nothing',
        ReportBackupCompleted: 'nothing',
        ReportBackupVerified: 'nothing',
        ReportBackupFailed: 'illegal_transition',
      },
      failed: {
        RequestBackup: 'already_exists',
        DeleteBackup: 'BackupDeleted',
        RequireRestorableBackup: 'backup_not_restorable',
        ReportBackupStarted: 'nothing',
        ReportBackupCompleted: 'illegal_transition',
        ReportBackupVerified: 'illegal_transition',
        ReportBackupFailed: 'nothing',
      },
      deleted: { ...nothingThere, RequestBackup: 'already_exists' },
    },
  );
  it.each(cases)('$name', ({ check }) => check());

  it('keeps where its content lies and what it should hash to', () => {
    given(...running)
      .when({ type: 'ReportBackupCompleted', data: content })
      .then({ type: 'BackupCompleted', data: content });
  });
  it('keeps why it failed', () => {
    given(...running)
      .when({ type: 'ReportBackupFailed', data: { backupId, reason: 'disk full' } })
      .then({ type: 'BackupFailed', data: { backupId, reason: 'disk full' } });
  });
});
