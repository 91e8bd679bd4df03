import type { ClosedBy } from '#infra/event-log/postgres/archiving/plan.ts';

/**
 * When a stream of MiniRedis is closed and may go to the archive once it is old: what it is about is over, or was deleted. Managers
 * are never over. A closed stream may still go on (a name that was released is taken again); it is read from both places then.
 */
export const closedStreams: ClosedBy = {
  // A command's record is all that is ever on its stream.
  command: 'always',
  tenant: ['TenantDeleted'],
  node: ['NodeDeleted'],
  backup: ['BackupVerified', 'BackupFailed', 'BackupDeleted'],
  restore: ['RestoreCompleted', 'RestoreFailed'],
  reservation: ['NameReleased'],
  apikey: ['ApiKeyRevoked'],
};
