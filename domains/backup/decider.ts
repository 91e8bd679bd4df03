import type { Decider, Decision } from '../kernel/decider.ts';
import { reject } from '../kernel/rejection.ts';
import type { BackupCommand } from './commands.ts';
import type { BackupEvent } from './events.ts';

export interface BackupState {
  readonly status: 'absent' | 'requested' | 'running' | 'completed' | 'verified' | 'failed' | 'deleted';
  /** What it was asked to keep, and what it holds; null until then. */
  readonly request: Extract<BackupEvent, { type: 'BackupRequested' }>['data'] | null;
  readonly content: Extract<BackupEvent, { type: 'BackupCompleted' }>['data'] | null;
  readonly failure: string | null;
}

export const backupDecider: Decider<BackupCommand, BackupEvent, BackupState> = {
  initialState: { status: 'absent', request: null, content: null, failure: null },
  decide,
  evolve,
};

function decide(command: BackupCommand, { status }: BackupState): Decision<BackupEvent> {
  const { backupId } = command.data;
  if (command.type === 'RequestBackup') {
    if (status !== 'absent') return reject('already_exists', `Backup ${backupId} exists already.`);
    return [{ type: 'BackupRequested', data: command.data }];
  }
  if (status === 'absent' || status === 'deleted') return reject('not_found', `There is no backup ${backupId}.`);

  switch (command.type) {
    case 'DeleteBackup':
      if (status === 'requested' || status === 'running') {
        return reject('illegal_transition', 'The backup is being made; wait for its operation to end.');
      }
      return [{ type: 'BackupDeleted', data: { backupId } }];
    case 'RequireRestorableBackup':
      if (status === 'completed' || status === 'verified') return [];
      return reject('backup_not_restorable', `The backup is ${status}; only a completed or verified one restores.`);
    // A workflow may report again what it reported before it was interrupted: a repeat changes nothing.
    case 'ReportBackupStarted':
      return status === 'requested' ? [{ type: 'BackupStarted', data: { backupId } }] : [];
    case 'ReportBackupCompleted':
      if (status === 'completed' || status === 'verified') return [];
      if (status !== 'running') return reject('illegal_transition', `The backup is ${status}; it can't complete.`);
      return [{ type: 'BackupCompleted', data: command.data }];
    case 'ReportBackupVerified':
      if (status === 'verified') return [];
      if (status !== 'completed') return reject('illegal_transition', `The backup is ${status}; nothing to verify.`);
      return [{ type: 'BackupVerified', data: { backupId } }];
    case 'ReportBackupFailed':
      if (status === 'failed') return [];
      if (status === 'verified') return reject('illegal_transition', 'The backup is verified; it did not fail.');
      return [{ type: 'BackupFailed', data: { backupId, reason: command.data.reason } }];
  }
}

function evolve(state: BackupState, event: BackupEvent): BackupState {
  switch (event.type) {
    case 'BackupRequested':
      return { ...state, status: 'requested', request: event.data };
    case 'BackupStarted':
      return { ...state, status: 'running' };
    case 'BackupCompleted':
      return { ...state, status: 'completed', content: event.data };
    case 'BackupVerified':
      return { ...state, status: 'verified' };
    case 'BackupFailed':
      return { ...state, status: 'failed', failure: event.data.reason };
    case 'BackupDeleted':
      return { ...state, status: 'deleted' };
  }
}
