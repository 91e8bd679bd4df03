import type { BackupEvent } from '#domains/backup/events.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { LogUnavailable } from '#infra/event-log/log-unavailable.ts';
import { backupObjectPrefix } from '#infra/object-store/backup-keys.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';

import { defineReaction } from './reaction.ts';

/** A deleted backup takes its objects with it, those of attempts that were taken for dead too. */
export function backupDeletedToObjectRemoval(log: Pick<EventLog, 'readStream'>, objects: ObjectStore) {
  return defineReaction<Extract<BackupEvent, { type: 'BackupDeleted' }>>({
    name: 'backup-deleted-to-object-removal',
    categories: ['backup'],
    types: ['BackupDeleted'],
    // The log, or the disk or network that the objects are on.
    isTransient: (error) => error instanceof LogUnavailable || (error instanceof Error && 'errno' in error),
    react: async ({ stream }) => {
      const request = (await log.readStream(stream)).find(({ type }) => type === 'BackupRequested');
      if (request === undefined) throw new Error(`There is no BackupRequested on ${stream}.`);
      const { data } = request as { data: Extract<BackupEvent, { type: 'BackupRequested' }>['data'] };
      for await (const { key } of objects.list(backupObjectPrefix(data))) await objects.delete(key);
    },
  });
}
