import { z } from 'zod';
import type { DomainCommand } from '../kernel/decider.ts';
import { BackupId, ManagerId, NodeId, OperationId, Sha256, TenantId } from '../kernel/ids.ts';
import { MemoryLimitMb, NodeSettings } from './settings.ts';

const NodeOnly = z.strictObject({ nodeId: NodeId });
const NodeOperation = z.strictObject({ nodeId: NodeId, operationId: OperationId });
const Placed = z.strictObject({ nodeId: NodeId, managerId: ManagerId, epoch: z.int().min(1) });

/** The manager with the most weight for a node, and how many mebibytes it may still promise. Null: none is registered. */
export const Placement = z.strictObject({ managerId: ManagerId, availableMb: z.int() }).nullable();
export type Placement = z.infer<typeof Placement>;

export const RequestNode = z.strictObject({
  nodeId: NodeId,
  tenantId: TenantId,
  settings: NodeSettings,
  passwordSha256: Sha256,
  operationId: OperationId,
  restoreFrom: BackupId.nullable(),
  /** The tenant's plan. */
  plan: z.string().min(1).max(50),
  placement: Placement,
});
const ResizeNode = z.strictObject({
  nodeId: NodeId,
  memoryLimitMb: MemoryLimitMb,
  /** Mebibytes that the node's manager may still promise. */
  availableMb: z.int(),
});
const StopNode = NodeOperation.extend({ reason: z.enum(['requested', 'tenant_suspended']) });
const RotateCredentials = NodeOnly.extend({ passwordSha256: Sha256 });
const ReportNodeFailed = Placed.extend({ reason: z.string().min(1).max(1000) });

export type NodeCommand =
  | DomainCommand<'RequestNode', z.infer<typeof RequestNode>>
  | DomainCommand<'StartNode', z.infer<typeof NodeOperation>>
  | DomainCommand<'StopNode', z.infer<typeof StopNode>>
  | DomainCommand<'FailOverNode', z.infer<typeof NodeOnly>>
  | DomainCommand<'ResizeNode', z.infer<typeof ResizeNode>>
  | DomainCommand<'RotateCredentials', z.infer<typeof RotateCredentials>>
  | DomainCommand<'DeleteNode', z.infer<typeof NodeOperation>>
  /** Appends nothing: pins the node's version in an append that is only right while the node runs. */
  | DomainCommand<'RequireRunningNode', z.infer<typeof NodeOnly>>
  | DomainCommand<'ReportNodeStarted', z.infer<typeof Placed>>
  | DomainCommand<'ReportNodeFailed', z.infer<typeof ReportNodeFailed>>
  | DomainCommand<'ReportNodeStopped', z.infer<typeof Placed>>
  | DomainCommand<'ReportNodeDeleted', z.infer<typeof Placed>>;
