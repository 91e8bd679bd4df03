import type { BackupEvent } from '#domains/backup/events.ts';
import { TemporalAway, type TemporalClient } from '#infra/temporal/client.ts';

import { defineReaction } from './reaction.ts';

/** A backup that was asked for is carried out by a workflow, of which there is one an operation, however often it is started. */
export function backupRequestedToWorkflow(temporal: Pick<TemporalClient, 'start'>) {
  return defineReaction<Extract<BackupEvent, { type: 'BackupRequested' }>>({
    name: 'backup-requested-to-workflow',
    categories: ['backup'],
    types: ['BackupRequested'],
    isTransient: (error) => error instanceof TemporalAway,
    react: async ({ data: { operationId, backupId } }) => {
      await temporal.start({ workflow: 'backup', id: operationId, input: { operationId, backupId } });
    },
  });
}
