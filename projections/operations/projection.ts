import type { BackupEvent } from '#domains/backup/events.ts';
import type { NodeEvent } from '#domains/node/events.ts';
import type { RestoreEvent } from '#domains/restore/events.ts';

import { readDefinition, unknownEvent, type Fact, type View } from '../kernel/view.ts';

import { cancelled, failed, opened, progressed, succeeded } from './steps.ts';
import { isOpen, type OperationRow } from './row.ts';

type OperationEvent = NodeEvent | BackupEvent | RestoreEvent;

/**
 * What goes on for longer than a request. An operation is opened by a request and moved on by what follows on the same stream; a
 * stream has at most one open operation, and a request that overtakes it cancels it.
 */
export const operations: View<OperationRow, OperationEvent> = {
  name: 'operations',
  revision: 1,
  definition: readDefinition(import.meta.url),
  categories: ['node', 'backup', 'restore'],
  key: 'id',
  fields: {
    id: 'text',
    kind: 'text',
    tenantId: 'text',
    state: 'text',
    percent: 'integer',
    message: 'text',
    targetKind: 'text',
    targetId: 'text',
    result: 'json',
    errorCode: 'text',
    errorDetail: 'text',
    stream: 'text',
    createdAt: 'timestamp',
    updatedAt: 'timestamp',
    version: 'integer',
  },
  lookup: {
    by: 'field',
    field: 'stream',
    openSql: `state IN ('pending', 'running')`,
    isOpen: (row) => isOpen(row as OperationRow),
  },
  find: (event) => event.stream,
  apply,
};

function apply(open: OperationRow | undefined, event: Fact<OperationEvent>): readonly OperationRow[] {
  switch (event.type) {
    // A node that waits for a backup's data is part of its restore, which is the operation that people follow.
    case 'NodeRequested': {
      const { operationId, nodeId, restoreFrom, tenantId } = event.data;
      if (restoreFrom !== null) return [];
      return opened(event, { id: operationId, kind: 'node.create', tenantId, target: ['node', nodeId] });
    }
    case 'NodeStartRequested':
      return overtaking(open, event, 'node.start');
    case 'NodeStopRequested':
      return overtaking(open, event, 'node.stop');
    case 'NodeDeleteRequested':
      return overtaking(open, event, 'node.delete');
    case 'NodePlaced':
      return progressed(open, event, 10, `${event.data.managerId} is preparing the node`);
    case 'NodeStarted':
      return ending(open, ['node.create', 'node.start'], event, 'The node is running');
    case 'NodeStopped':
      return ending(open, ['node.stop'], event, 'The node is stopped');
    case 'NodeDeleted':
      return ending(open, ['node.delete'], event, 'The node is deleted');
    case 'NodeFailed':
      return failed(open, event, 'node_failed', event.data.reason);
    case 'NodeResized':
    case 'NodeCredentialsRotated':
      return [];

    case 'BackupRequested': {
      const { operationId, backupId, tenantId } = event.data;
      return opened(event, { id: operationId, kind: 'backup', tenantId, target: ['backup', backupId] });
    }
    case 'BackupStarted':
      return progressed(open, event, 10, 'The snapshot is being taken');
    case 'BackupCompleted':
      return progressed(open, event, 60, 'The snapshot is stored and being verified');
    case 'BackupVerified':
      return succeeded(open, event, 'The backup is verified', { backupId: event.data.backupId });
    case 'BackupFailed':
      return failed(open, event, 'backup_failed', event.data.reason);
    case 'BackupDeleted':
      return cancelled(open, event, 'The backup was deleted before it was verified');

    case 'RestoreRequested': {
      const { operationId, nodeId, tenantId } = event.data;
      return opened(event, { id: operationId, kind: 'restore', tenantId, target: ['node', nodeId] });
    }
    case 'RestoreStarted':
      return progressed(open, event, 10, 'The backup is being loaded');
    case 'RestoreCompleted': {
      const { keys, expiredKeys } = event.data;
      return succeeded(open, event, 'The backup is restored', { nodeId: open?.targetId, keys, expiredKeys });
    }
    case 'RestoreFailed':
      return failed(open, event, 'restore_failed', event.data.reason);
    default:
      return unknownEvent(event);
  }
}

type NodeOperationRequest = Extract<
  Fact<NodeEvent>,
  { type: 'NodeStartRequested' | 'NodeStopRequested' | 'NodeDeleteRequested' }
>;

/** A new operation on a node, and the one that it overtakes. */
function overtaking(
  open: OperationRow | undefined,
  event: NodeOperationRequest,
  kind: OperationRow['kind'],
): readonly OperationRow[] {
  const { operationId: id, nodeId } = event.data;
  const tenantId = open?.tenantId ?? event.metadata.tenantId;
  return [
    ...cancelled(open, event, `A later request (${kind}) overtook this one`),
    ...opened(event, { id, kind, tenantId, target: ['node', nodeId] }),
  ];
}

/** What a node came to be ends the operation that wanted it so. */
function ending(
  open: OperationRow | undefined,
  kinds: readonly OperationRow['kind'][],
  event: Fact<NodeEvent>,
  message: string,
): readonly OperationRow[] {
  if (open === undefined) return [];
  if (kinds.includes(open.kind)) return succeeded(open, event, message, { nodeId: open.targetId });
  return event.type === 'NodeDeleted' ? failed(open, event, 'node_deleted', 'The node was deleted meanwhile.') : [];
}
