import type { NodeEvent, NodeRequestedData, StopReason } from '#domains/node/events.ts';

import { changed, readDefinition, subjectOf, unknownEvent, type Fact, type View } from '../kernel/view.ts';

export type NodeRow = {
  readonly id: string;
  readonly tenantId: string;
  readonly name: string;
  readonly state: 'requested' | 'provisioning' | 'running' | 'stopping' | 'stopped' | 'failed' | 'deleting' | 'deleted';
  readonly memoryLimitMb: number;
  readonly evictionPolicy: NodeRequestedData['evictionPolicy'];
  readonly durability: NodeRequestedData['durability'];
  readonly replicas: number;
  readonly engine: NodeRequestedData['engine'];
  readonly managerId: string | null;
  readonly epoch: number;
  /** Why it was asked to stop; null once it is asked to start again. */
  readonly stopReason: StopReason | null;
  readonly failure: string | null;
  /** The newest operation on the node. */
  readonly operationId: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: number;
};

/** Every node there ever was, with its settings, its place and its state. */
export const nodes: View<NodeRow, NodeEvent> = {
  name: 'nodes',
  revision: 1,
  definition: readDefinition(import.meta.url),
  categories: ['node'],
  key: 'id',
  fields: {
    id: 'text',
    tenantId: 'text',
    name: 'text',
    state: 'text',
    memoryLimitMb: 'integer',
    evictionPolicy: 'text',
    durability: 'text',
    replicas: 'integer',
    engine: 'text',
    managerId: 'text',
    epoch: 'integer',
    stopReason: 'text',
    failure: 'text',
    operationId: 'text',
    createdAt: 'timestamp',
    updatedAt: 'timestamp',
    version: 'integer',
  },
  lookup: { by: 'key' },
  find: subjectOf,
  apply,
};

function apply(row: NodeRow | undefined, event: Fact<NodeEvent>): readonly NodeRow[] {
  switch (event.type) {
    case 'NodeRequested':
      return [requested(event)];
    case 'NodePlaced': {
      const { managerId, epoch } = event.data;
      return changed(row, event, { state: 'provisioning', managerId, epoch });
    }
    case 'NodeStarted':
      return changed(row, event, { state: 'running', stopReason: null, failure: null });
    case 'NodeFailed':
      return changed(row, event, { state: 'failed', failure: event.data.reason });
    case 'NodeStartRequested':
      return changed(row, event, {
        state: 'provisioning',
        stopReason: null,
        operationId: event.data.operationId,
      });
    case 'NodeStopRequested': {
      const { reason, operationId } = event.data;
      return changed(row, event, { state: 'stopping', stopReason: reason, operationId });
    }
    case 'NodeStopped':
      return changed(row, event, { state: 'stopped' });
    case 'NodeResized':
      return changed(row, event, { memoryLimitMb: event.data.memoryLimitMb });
    case 'NodeCredentialsRotated':
      return changed(row, event, {});
    case 'NodeDeleteRequested':
      return changed(row, event, { state: 'deleting', operationId: event.data.operationId });
    case 'NodeDeleted':
      return changed(row, event, { state: 'deleted' });
    default:
      return unknownEvent(event);
  }
}

function requested(event: Extract<Fact<NodeEvent>, { type: 'NodeRequested' }>): NodeRow {
  const { nodeId, tenantId, name, memoryLimitMb, evictionPolicy, durability, replicas, engine, operationId } =
    event.data;
  return {
    id: nodeId,
    tenantId,
    name,
    state: 'requested',
    memoryLimitMb,
    evictionPolicy,
    durability,
    replicas,
    engine,
    managerId: null,
    epoch: 0,
    stopReason: null,
    failure: null,
    operationId,
    createdAt: event.recordedAt,
    updatedAt: event.recordedAt,
    version: event.version,
  };
}
