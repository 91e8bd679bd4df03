import type { RestoreEvent } from '#domains/restore/events.ts';
import { TemporalAway, type TemporalClient } from '#infra/temporal/client.ts';

import { defineReaction } from './reaction.ts';

/** A restore that was asked for is carried out by a workflow, of which there is one an operation, however often it is started. */
export function restoreRequestedToWorkflow(temporal: Pick<TemporalClient, 'start'>) {
  return defineReaction<Extract<RestoreEvent, { type: 'RestoreRequested' }>>({
    name: 'restore-requested-to-workflow',
    categories: ['restore'],
    types: ['RestoreRequested'],
    isTransient: (error) => error instanceof TemporalAway,
    react: async ({ data: { operationId } }) => {
      await temporal.start({ workflow: 'restore', id: operationId, input: { operationId } });
    },
  });
}
