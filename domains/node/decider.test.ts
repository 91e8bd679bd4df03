import { describe, it } from 'vitest';
import { ManagerId, NodeId, OperationId, TenantId } from '../kernel/ids.ts';
import { specOf, specTable } from '../kernel/spec.ts';
import type { NodeCommand, Placement } from './commands.ts';
import { nodeDecider } from './decider.ts';
import type { NodeEvent } from './events.ts';
import { NodeSettings } from './settings.ts';

const nodeId = NodeId.parse('node_01jd0000000000000000000000');
const tenantId = TenantId.parse('tnt_01jd0000000000000000000000');
const operationId = OperationId.parse('op_01jd0000000000000000000000');
const managerId = ManagerId.parse('manager-1');
const passwordSha256 = 'a'.repeat(64);
const settings = NodeSettings.parse({ name: 'cache', memoryLimitMb: 64 });
const placed = { nodeId, managerId, epoch: 1 };

const requested: NodeEvent = {
  type: 'NodeRequested',
  data: { nodeId, tenantId, ...settings, passwordSha256, operationId, restoreFrom: null, plan: 'free' },
};
const provisioning: NodeEvent[] = [requested, { type: 'NodePlaced', data: placed }];
const running: NodeEvent[] = [...provisioning, { type: 'NodeStarted', data: placed }];
const stopping: NodeEvent[] = [
  ...running,
  { type: 'NodeStopRequested', data: { nodeId, operationId, reason: 'requested' } },
];
const stopped: NodeEvent[] = [...stopping, { type: 'NodeStopped', data: { nodeId } }];
const failed: NodeEvent[] = [...provisioning, { type: 'NodeFailed', data: { nodeId, reason: 'no room' } }];
const deleting: NodeEvent[] = [...running, { type: 'NodeDeleteRequested', data: { nodeId, operationId } }];
const deleted: NodeEvent[] = [...deleting, { type: 'NodeDeleted', data: { nodeId } }];

const request = {
  type: 'RequestNode',
  data: {
    nodeId,
    tenantId,
    settings,
    passwordSha256,
    operationId,
    restoreFrom: null,
    plan: 'free',
    placement: { managerId, availableMb: 1024 },
  },
} as const satisfies NodeCommand;
const resize = { type: 'ResizeNode', data: { nodeId, memoryLimitMb: 128, availableMb: 1024 } } as const;

const { given } = specOf(nodeDecider);

const nothingThere = {
  StartNode: 'not_found',
  StopNode: 'not_found',
  FailOverNode: 'not_found',
  ResizeNode: 'not_found',
  RotateCredentials: 'not_found',
  DeleteNode: 'not_found',
  RequireRunningNode: 'not_found',
  ReportNodeStarted: 'not_found',
  ReportNodeFailed: 'not_found',
  ReportNodeStopped: 'not_found',
  ReportNodeDeleted: 'not_found',
} as const;

const whileAlive = {
  RequestNode: 'already_exists',
  StartNode: 'illegal_transition',
  StopNode: 'illegal_transition',
  FailOverNode: 'not_available_yet',
  ResizeNode: 'NodeResized',
  RotateCredentials: 'NodeCredentialsRotated',
  DeleteNode: 'NodeDeleteRequested',
  RequireRunningNode: 'node_not_running',
  ReportNodeStarted: 'nothing',
  ReportNodeFailed: 'nothing',
  ReportNodeStopped: 'nothing',
  ReportNodeDeleted: 'illegal_transition',
} as const;

describe('node', () => {
  const cases = specTable(
    nodeDecider,
    { absent: [], requested: [requested], provisioning, running, stopping, stopped, failed, deleting, deleted },
    {
      RequestNode: request,
      StartNode: { type: 'StartNode', data: { nodeId, operationId } },
      StopNode: { type: 'StopNode', data: { nodeId, operationId, reason: 'requested' } },
      FailOverNode: { type: 'FailOverNode', data: { nodeId } },
      ResizeNode: resize,
      RotateCredentials: { type: 'RotateCredentials', data: { nodeId, passwordSha256 } },
      DeleteNode: { type: 'DeleteNode', data: { nodeId, operationId } },
      RequireRunningNode: { type: 'RequireRunningNode', data: { nodeId } },
      ReportNodeStarted: { type: 'ReportNodeStarted', data: placed },
      ReportNodeFailed: { type: 'ReportNodeFailed', data: { ...placed, reason: 'no room' } },
      ReportNodeStopped: { type: 'ReportNodeStopped', data: placed },
      ReportNodeDeleted: { type: 'ReportNodeDeleted', data: placed },
    },
    {
      absent: { ...nothingThere, RequestNode: ['NodeRequested', 'NodePlaced'] },
      // Not placed yet, so no manager may report anything of it.
      requested: {
        ...whileAlive,
        ReportNodeStarted: 'stale_epoch',
        ReportNodeFailed: 'stale_epoch',
        ReportNodeStopped: 'stale_epoch',
        ReportNodeDeleted: 'stale_epoch',
      },
      provisioning: {
        ...whileAlive,
        StopNode: 'NodeStopRequested',
        ReportNodeStarted: 'NodeStarted',
        ReportNodeFailed: 'NodeFailed',
      },
      running: {
        ...whileAlive,
        StopNode: 'NodeStopRequested',
        RequireRunningNode: 'nothing',
        ReportNodeFailed: 'NodeFailed',
      },
      stopping: { ...whileAlive, ReportNodeStopped: 'NodeStopped' },
      stopped: { ...whileAlive, StartNode: 'NodeStartRequested' },
      failed: { ...whileAlive, StartNode: 'NodeStartRequested' },
      deleting: {
        ...whileAlive,
        ResizeNode: 'illegal_transition',
        RotateCredentials: 'illegal_transition',
        DeleteNode: 'illegal_transition',
        ReportNodeDeleted: 'NodeDeleted',
      },
      deleted: { ...nothingThere, RequestNode: 'already_exists' },
    },
  );
  it.each(cases)('$name', ({ check }) => check());

  it('is placed with epoch 1 on the manager it was decided for', () => {
    given()
      .when(request)
      .then(...provisioning);
  });

  it.each([
    ['durability', { durability: 'quorum' }],
    ['replicas', { replicas: 1 }],
    ['engine', { engine: 'dedicated' }],
  ] as const)('does not promise a %s that is not built', (_name, change) => {
    const data = { ...request.data, settings: { ...settings, ...change } };
    given().when({ type: 'RequestNode', data }).thenRejected('not_available_yet');
  });

  it('needs a manager, and room on it to the last mebibyte', () => {
    const on = (placement: Placement) => given().when({ type: 'RequestNode', data: { ...request.data, placement } });
    on(null).thenRejected('no_node_manager');
    on({ managerId, availableMb: 63 }).thenRejected('insufficient_capacity');
    on({ managerId, availableMb: 64 }).then(...provisioning);
  });

  it('resizes within the room its manager has beyond what the node holds already', () => {
    const to = (memoryLimitMb: number, availableMb: number) =>
      given(...running).when({ type: 'ResizeNode', data: { nodeId, memoryLimitMb, availableMb } });
    to(64, 0).thenNothing();
    to(128, 63).thenRejected('insufficient_capacity');
    to(128, 64).then({ type: 'NodeResized', data: { nodeId, memoryLimitMb: 128 } });
    to(32, -500).then({ type: 'NodeResized', data: { nodeId, memoryLimitMb: 32 } });
  });

  it.each([
    ['another manager', { ...placed, managerId: ManagerId.parse('manager-2') }],
    ['an older epoch', { ...placed, epoch: 0 }],
    ['a newer epoch', { ...placed, epoch: 2 }],
  ])('does not believe a report from %s', (_name, data) => {
    given(...provisioning)
      .when({ type: 'ReportNodeStarted', data })
      .thenRejected('stale_epoch');
  });
});
