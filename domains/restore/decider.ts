import type { Decider, Decision } from '../kernel/decider.ts';
import { reject } from '../kernel/rejection.ts';
import type { RestoreCommand } from './commands.ts';
import type { RestoreEvent } from './events.ts';

export interface RestoreState {
  readonly status: 'absent' | 'requested' | 'running' | 'completed' | 'failed';
}

export const restoreDecider: Decider<RestoreCommand, RestoreEvent, RestoreState> = {
  initialState: { status: 'absent' },
  decide,
  evolve,
};

function decide(command: RestoreCommand, { status }: RestoreState): Decision<RestoreEvent> {
  const { operationId } = command.data;
  if (command.type === 'RequestRestore') {
    if (status !== 'absent') return reject('already_exists', `Restore ${operationId} exists already.`);
    return [{ type: 'RestoreRequested', data: command.data }];
  }
  if (status === 'absent') return reject('not_found', `There is no restore ${operationId}.`);

  // A workflow may report again what it reported before it was interrupted: a repeat changes nothing.
  switch (command.type) {
    case 'ReportRestoreStarted':
      return status === 'requested' ? [{ type: 'RestoreStarted', data: { operationId } }] : [];
    case 'ReportRestoreCompleted':
      if (status === 'completed') return [];
      if (status !== 'running') return reject('illegal_transition', `The restore is ${status}; it can't complete.`);
      return [{ type: 'RestoreCompleted', data: command.data }];
    case 'ReportRestoreFailed':
      if (status === 'failed') return [];
      if (status === 'completed') return reject('illegal_transition', 'The restore is completed; it did not fail.');
      return [{ type: 'RestoreFailed', data: { operationId, reason: command.data.reason } }];
  }
}

function evolve(_state: RestoreState, event: RestoreEvent): RestoreState {
  switch (event.type) {
    case 'RestoreRequested':
      return { status: 'requested' };
    case 'RestoreStarted':
      return { status: 'running' };
    case 'RestoreCompleted':
      return { status: 'completed' };
    case 'RestoreFailed':
      return { status: 'failed' };
  }
}
