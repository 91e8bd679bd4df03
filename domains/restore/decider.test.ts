import { describe, it } from 'vitest';
import { BackupId, NodeId, OperationId, TenantId } from '../kernel/ids.ts';
import { specOf, specTable } from '../kernel/spec.ts';
import { restoreDecider } from './decider.ts';
import type { RestoreEvent } from './events.ts';

const operationId = OperationId.parse('op_01jd0000000000000000000000');
const request = {
  operationId,
  backupId: BackupId.parse('bkp_01jd0000000000000000000000'),
  nodeId: NodeId.parse('node_01jd0000000000000000000000'),
  tenantId: TenantId.parse('tnt_01jd0000000000000000000000'),
  inPlace: false,
};
const result = { operationId, keys: 9, expiredKeys: 1, digest: 'd' };

const requested: RestoreEvent[] = [{ type: 'RestoreRequested', data: request }];
const running: RestoreEvent[] = [...requested, { type: 'RestoreStarted', data: { operationId } }];
const completed: RestoreEvent[] = [...running, { type: 'RestoreCompleted', data: result }];
const failed: RestoreEvent[] = [...running, { type: 'RestoreFailed', data: { operationId, reason: 'damaged' } }];

describe('restore', () => {
  const cases = specTable(
    restoreDecider,
    { absent: [], requested, running, completed, failed },
    {
      RequestRestore: { type: 'RequestRestore', data: request },
      ReportRestoreStarted: { type: 'ReportRestoreStarted', data: { operationId } },
      ReportRestoreCompleted: { type: 'ReportRestoreCompleted', data: result },
      ReportRestoreFailed: { type: 'ReportRestoreFailed', data: { operationId, reason: 'damaged' } },
    },
    {
      absent: {
        RequestRestore: 'RestoreRequested',
        ReportRestoreStarted: 'not_found',
        ReportRestoreCompleted: 'not_found',
        ReportRestoreFailed: 'not_found',
      },
      requested: {
        RequestRestore: 'already_exists',
        ReportRestoreStarted: 'RestoreStarted',
        ReportRestoreCompleted: 'illegal_transition',
        ReportRestoreFailed: 'RestoreFailed',
      },
      running: {
        RequestRestore: 'already_exists',
        ReportRestoreStarted: 'nothing',
        ReportRestoreCompleted: 'RestoreCompleted',
        ReportRestoreFailed: 'RestoreFailed',
      },
      completed: {
        RequestRestore: 'already_exists',
        ReportRestoreStarted: 'nothing',
        ReportRestoreCompleted: 'nothing',
        ReportRestoreFailed: 'illegal_transition',
      },
      failed: {
        RequestRestore: 'already_exists',
        ReportRestoreStarted: 'nothing',
        ReportRestoreCompleted: 'illegal_transition',
        ReportRestoreFailed: 'nothing',
      },
    },
  );
  it.each(cases)('$name', ({ check }) => check());

  it('keeps what it restored, and why it failed', () => {
    const { given } = specOf(restoreDecider);
    given(...running)
      .when({ type: 'ReportRestoreCompleted', data: result })
      .then({ type: 'RestoreCompleted', data: result });
    given(...running)
      .when({ type: 'ReportRestoreFailed', data: { operationId, reason: 'damaged' } })
      .then({ type: 'RestoreFailed', data: { operationId, reason: 'damaged' } });
  });
});
