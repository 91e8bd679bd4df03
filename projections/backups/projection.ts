import type { BackupEvent } from '#domains/backup/events.ts';

import { changed, readDefinition, subjectOf, unknownEvent, type Fact, type View } from '../kernel/view.ts';

export type BackupRow = {
  readonly id: string;
  readonly nodeId: string;
  readonly tenantId: string;
  readonly nodeName: string;
  readonly operationId: string;
  readonly state: 'requested' | 'running' | 'completed' | 'verified' | 'failed' | 'deleted';
  /** What the object store holds of it; null until it is completed. */
  readonly objectKey: string | null;
  readonly sha256: string | null;
  readonly bytes: number | null;
  readonly keys: number | null;
  readonly digest: string | null;
  readonly failure: string | null;
  readonly createdAt: string;
  readonly completedAt: string | null;
  readonly verifiedAt: string | null;
  readonly updatedAt: string;
  readonly version: number;
};

/** The catalogue of backups. */
export const backups: View<BackupRow, BackupEvent> = {
  name: 'backups',
  revision: 1,
  definition: readDefinition(import.meta.url),
  categories: ['backup'],
  key: 'id',
  fields: {
    id: 'text',
    nodeId: 'text',
    tenantId: 'text',
    nodeName: 'text',
    operationId: 'text',
    state: 'text',
    objectKey: 'text',
    sha256: 'text',
    bytes: 'count',
    keys: 'count',
    digest: 'text',
    failure: 'text',
    createdAt: 'timestamp',
    completedAt: 'timestamp',
    verifiedAt: 'timestamp',
    updatedAt: 'timestamp',
    version: 'integer',
  },
  lookup: { by: 'key' },
  find: subjectOf,
  apply,
};

function apply(row: BackupRow | undefined, event: Fact<BackupEvent>): readonly BackupRow[] {
  switch (event.type) {
    case 'BackupRequested':
      return [requested(event)];
    case 'BackupStarted':
      return changed(row, event, { state: 'running' });
    case 'BackupCompleted': {
      const { objectKey, sha256, bytes, keys, digest } = event.data;
      const completedAt = event.recordedAt;
      return changed(row, event, { state: 'completed', objectKey, sha256, bytes, keys, digest, completedAt });
    }
    case 'BackupVerified':
      return changed(row, event, { state: 'verified', verifiedAt: event.recordedAt });
    case 'BackupFailed':
      return changed(row, event, { state: 'failed', failure: event.data.reason });
    case 'BackupDeleted':
      return changed(row, event, { state: 'deleted' });
    default:
      return unknownEvent(event);
  }
}

function requested(event: Extract<Fact<BackupEvent>, { type: 'BackupRequested' }>): BackupRow {
  const { backupId, nodeId, tenantId, nodeName, operationId } = event.data;
  return {
    id: backupId,
    nodeId,
    tenantId,
    nodeName,
    operationId,
    state: 'requested',
    objectKey: null,
    sha256: null,
    bytes: null,
    keys: null,
    digest: null,
    failure: null,
    createdAt: event.recordedAt,
    completedAt: null,
    verifiedAt: null,
    updatedAt: event.recordedAt,
    version: event.version,
  };
}
