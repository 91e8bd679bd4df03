import type { Decider, Decision } from '../kernel/decider.ts';
import type { ManagerId, TenantId } from '../kernel/ids.ts';
import { reject } from '../kernel/rejection.ts';
import type { NodeCommand } from './commands.ts';
import type { NodeEvent, StopReason } from './events.ts';
import { requestNode } from './request.ts';
import type { NodeSettings } from './settings.ts';

export interface NodeState {
  readonly status:
    | 'absent'
    | 'requested'
    | 'provisioning'
    | 'running'
    | 'stopping'
    | 'stopped'
    | 'failed'
    | 'deleting'
    | 'deleted';
  readonly tenantId: TenantId | null;
  /** What the tenant chose of it; null while absent. */
  readonly settings: NodeSettings | null;
  readonly managerId: ManagerId | null;
  readonly epoch: number;
  readonly stopReason: StopReason | null;
  readonly failure: string | null;
}

export const nodeDecider: Decider<NodeCommand, NodeEvent, NodeState> = {
  initialState: {
    status: 'absent',
    tenantId: null,
    settings: null,
    managerId: null,
    epoch: 0,
    stopReason: null,
    failure: null,
  },
  decide,
  evolve,
};

function decide(command: NodeCommand, state: NodeState): Decision<NodeEvent> {
  const { nodeId } = command.data;
  if (command.type === 'RequestNode') return requestNode(command.data, state);
  const { status } = state;
  if (status === 'absent' || status === 'deleted') return reject('not_found', `There is no node ${nodeId}.`);

  switch (command.type) {
    case 'StartNode':
      if (status !== 'stopped' && status !== 'failed') return illegal('start', status, 'a stopped or failed node');
      return [{ type: 'NodeStartRequested', data: { nodeId, operationId: command.data.operationId } }];
    case 'StopNode': {
      if (status !== 'running' && status !== 'provisioning') return illegal('stop', status, 'a running node');
      const { operationId, reason } = command.data;
      return [{ type: 'NodeStopRequested', data: { nodeId, operationId, reason } }];
    }
    case 'FailOverNode':
      return reject('not_available_yet', 'Failover needs replicas, which this version does not have yet.');
    case 'ResizeNode': {
      if (status === 'deleting') return illegal('resize', status, 'a node that is not being deleted');
      const { memoryLimitMb, availableMb } = command.data;
      const growth = memoryLimitMb - (state.settings?.memoryLimitMb ?? 0);
      if (growth === 0) return [];
      // Shrinking is always possible, most of all on a manager that has promised too much.
      if (growth > Math.max(availableMb, 0)) {
        return reject(
          'insufficient_capacity',
          `The node's manager has ${Math.max(availableMb, 0)} MiB left to promise.`,
        );
      }
      return [{ type: 'NodeResized', data: { nodeId, memoryLimitMb } }];
    }
    case 'RotateCredentials':
      if (status === 'deleting') return illegal('rotate credentials of', status, 'a node that is not being deleted');
      return [{ type: 'NodeCredentialsRotated', data: { nodeId, passwordSha256: command.data.passwordSha256 } }];
    case 'DeleteNode':
      if (status === 'deleting') return illegal('delete', status, 'a node that is not being deleted already');
      return [{ type: 'NodeDeleteRequested', data: { nodeId, operationId: command.data.operationId } }];
    case 'RequireRunningNode':
      return status === 'running' ? [] : reject('node_not_running', `The node is ${status}; start it first.`);
    case 'ReportNodeStarted':
    case 'ReportNodeFailed':
    case 'ReportNodeStopped':
    case 'ReportNodeDeleted':
      return report(command, state);
  }
}

type Report = Extract<NodeCommand, { type: `ReportNode${string}` }>;

/** What a manager says of a node counts only from the manager and epoch that hold it, and a repeat changes nothing. */
function report(command: Report, { status, managerId, epoch }: NodeState): Decision<NodeEvent> {
  const { data } = command;
  const { nodeId } = data;
  if (data.managerId !== managerId || data.epoch !== epoch) {
    return reject('stale_epoch', `The node is placed on ${managerId} at epoch ${epoch}.`);
  }
  switch (command.type) {
    case 'ReportNodeStarted':
      return status === 'provisioning' ? [{ type: 'NodeStarted', data: { nodeId, managerId, epoch } }] : [];
    case 'ReportNodeFailed':
      if (status !== 'provisioning' && status !== 'running') return [];
      return [{ type: 'NodeFailed', data: { nodeId, reason: command.data.reason } }];
    case 'ReportNodeStopped':
      return status === 'stopping' ? [{ type: 'NodeStopped', data: { nodeId } }] : [];
    case 'ReportNodeDeleted':
      if (status !== 'deleting') return reject('illegal_transition', 'Nobody asked to delete this node.');
      return [{ type: 'NodeDeleted', data: { nodeId } }];
  }
}

function illegal(verb: string, status: string, possible: string): Decision<NodeEvent> {
  return reject('illegal_transition', `Can't ${verb} a node that is ${status}; it takes ${possible}.`);
}

function evolve(state: NodeState, event: NodeEvent): NodeState {
  switch (event.type) {
    case 'NodeRequested': {
      const { tenantId, name, memoryLimitMb, evictionPolicy, durability, replicas, engine } = event.data;
      const settings = { name, memoryLimitMb, evictionPolicy, durability, replicas, engine };
      return { ...state, status: 'requested', tenantId, settings };
    }
    case 'NodePlaced':
      return { ...state, status: 'provisioning', managerId: event.data.managerId, epoch: event.data.epoch };
    case 'NodeStarted':
      return { ...state, status: 'running', stopReason: null, failure: null };
    case 'NodeFailed':
      return { ...state, status: 'failed', failure: event.data.reason };
    case 'NodeStartRequested':
      return { ...state, status: 'provisioning', stopReason: null };
    case 'NodeStopRequested':
      return { ...state, status: 'stopping', stopReason: event.data.reason };
    case 'NodeStopped':
      return { ...state, status: 'stopped' };
    case 'NodeResized':
      if (state.settings === null) return state;
      return { ...state, settings: { ...state.settings, memoryLimitMb: event.data.memoryLimitMb } };
    case 'NodeCredentialsRotated':
      return state;
    case 'NodeDeleteRequested':
      return { ...state, status: 'deleting' };
    case 'NodeDeleted':
      return { ...state, status: 'deleted' };
  }
}
