import type { NodeState } from '#domains/node/decider.ts';
import type { NodeEvent } from '#domains/node/events.ts';
import type { Durability, EvictionPolicy } from '#domains/node/settings.ts';
import type { BackupId, ManagerId, NodeId, TenantId } from '#domains/kernel/ids.ts';
import type { RecordedEvent } from '#domains/kernel/envelope.ts';

/** What was asked of the manager last, so that its report can say what it answers. */
interface Cause {
  readonly eventId: string;
  readonly correlationId: string;
}

/** What the log wants of a node: the manager's orders. */
export interface RoutedNode {
  readonly nodeId: NodeId;
  readonly tenantId: TenantId;
  /** Null until the node is placed. */
  readonly managerId: ManagerId | null;
  readonly epoch: number;
  readonly state: Exclude<NodeState['status'], 'absent'>;
  readonly passwordSha256: string;
  readonly memoryLimitMb: number;
  readonly evictionPolicy: EvictionPolicy;
  readonly durability: Durability;
  /** The backup whose data must be in the node before it serves; null when there is none or it is in. */
  readonly restoreFrom: BackupId | null;
  /** The tenant's plan. */
  readonly plan: string;
  /** Whether it has ever been reported as running, so that there may be data of it. */
  readonly hasRun: boolean;
  readonly failure: string | null;
  /** Null when the orders come from the read model and not from an event. */
  readonly cause: Cause | null;
}

/** The orders after an event; undefined for a node nobody requested. Pure, like a projection's reducer. */
export function applyEvent(node: RoutedNode | undefined, recorded: RecordedEvent): RoutedNode | undefined {
  const event = { type: recorded.type, data: recorded.data } as NodeEvent;
  if (event.type === 'NodeRequested') {
    const { nodeId, tenantId, passwordSha256, memoryLimitMb, evictionPolicy, durability, restoreFrom, plan } =
      event.data;
    const settings = { passwordSha256, memoryLimitMb, evictionPolicy, durability, restoreFrom, plan };
    const unplaced = {
      managerId: null,
      epoch: 0,
      state: 'requested',
      hasRun: false,
      failure: null,
      cause: null,
    } as const;
    return { nodeId, tenantId, ...settings, ...unplaced };
  }
  if (node === undefined) return undefined;
  const cause = { eventId: recorded.eventId, correlationId: recorded.metadata.correlationId };
  switch (event.type) {
    case 'NodePlaced':
      return { ...node, state: 'provisioning', managerId: event.data.managerId, epoch: event.data.epoch, cause };
    case 'NodeStarted':
      return { ...node, state: 'running', restoreFrom: null, hasRun: true, failure: null };
    case 'NodeFailed':
      return { ...node, state: 'failed', failure: event.data.reason };
    case 'NodeStartRequested':
      return { ...node, state: 'provisioning', failure: null, cause };
    case 'NodeStopRequested':
      return { ...node, state: 'stopping', cause };
    case 'NodeStopped':
      return { ...node, state: 'stopped' };
    case 'NodeResized':
      return { ...node, memoryLimitMb: event.data.memoryLimitMb };
    case 'NodeCredentialsRotated':
      return { ...node, passwordSha256: event.data.passwordSha256 };
    case 'NodeDeleteRequested':
      return { ...node, state: 'deleting', cause };
    case 'NodeDeleted':
      return { ...node, state: 'deleted' };
  }
}
