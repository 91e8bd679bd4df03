import type { NodeEvent, NodeRequestedData } from '#domains/node/events.ts';

import { existing, readDefinition, subjectOf, unknownEvent, type Fact, type View } from '../kernel/view.ts';

export type RoutingRow = {
  readonly nodeId: string;
  readonly tenantId: string;
  readonly name: string;
  readonly managerId: string | null;
  readonly epoch: number;
  readonly state: 'requested' | 'provisioning' | 'running' | 'stopping' | 'stopped' | 'failed' | 'deleting' | 'deleted';
  readonly passwordSha256: string;
  readonly memoryLimitMb: number;
  readonly evictionPolicy: NodeRequestedData['evictionPolicy'];
  readonly durability: NodeRequestedData['durability'];
  /** The backup whose data the node waits for before it serves; null once it has served. */
  readonly restoreFrom: string | null;
  readonly plan: string;
};

/** What a node manager needs to know of each node. */
export const routing: View<RoutingRow, NodeEvent> = {
  name: 'routing',
  revision: 2,
  definition: readDefinition(import.meta.url),
  categories: ['node'],
  key: 'nodeId',
  fields: {
    nodeId: 'text',
    tenantId: 'text',
    name: 'text',
    managerId: 'text',
    epoch: 'integer',
    state: 'text',
    passwordSha256: 'text',
    memoryLimitMb: 'integer',
    evictionPolicy: 'text',
    durability: 'text',
    restoreFrom: 'text',
    plan: 'text',
  },
  lookup: { by: 'key' },
  find: subjectOf,
  apply: (row, event) => [next(row, event)],
};

function next(row: RoutingRow | undefined, event: Fact<NodeEvent>): RoutingRow {
  switch (event.type) {
    case 'NodeRequested': {
      const { nodeId, tenantId, name, passwordSha256, memoryLimitMb, evictionPolicy, durability, restoreFrom, plan } =
        event.data;
      const settings = { name, passwordSha256, memoryLimitMb, evictionPolicy, durability, plan };
      return { nodeId, tenantId, ...settings, managerId: null, epoch: 0, state: 'requested', restoreFrom };
    }
    case 'NodePlaced': {
      const { managerId, epoch } = event.data;
      return { ...existing(row, event), state: 'provisioning', managerId, epoch };
    }
    case 'NodeStarted':
      return { ...existing(row, event), state: 'running', restoreFrom: null };
    case 'NodeFailed':
      return { ...existing(row, event), state: 'failed' };
    case 'NodeStartRequested':
      return { ...existing(row, event), state: 'provisioning' };
    case 'NodeStopRequested':
      return { ...existing(row, event), state: 'stopping' };
    case 'NodeStopped':
      return { ...existing(row, event), state: 'stopped' };
    case 'NodeResized':
      return { ...existing(row, event), memoryLimitMb: event.data.memoryLimitMb };
    case 'NodeCredentialsRotated':
      return { ...existing(row, event), passwordSha256: event.data.passwordSha256 };
    case 'NodeDeleteRequested':
      return { ...existing(row, event), state: 'deleting' };
    case 'NodeDeleted':
      return { ...existing(row, event), state: 'deleted' };
    default:
      return unknownEvent(event);
  }
}
