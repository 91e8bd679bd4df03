import type { DomainEvent } from '../kernel/decider.ts';
import type { BackupId, ManagerId, NodeId, OperationId, TenantId } from '../kernel/ids.ts';
import type { Durability, Engine, EvictionPolicy } from './settings.ts';

export interface NodeRequestedData {
  nodeId: NodeId;
  tenantId: TenantId;
  name: string;
  memoryLimitMb: number;
  evictionPolicy: EvictionPolicy;
  durability: Durability;
  replicas: number;
  engine: Engine;
  /** SHA-256 of the password that was shown once. */
  passwordSha256: string;
  operationId: OperationId;
  /** The backup whose data the node waits for before it serves; null for an empty node. */
  restoreFrom: BackupId | null;
  /** The tenant's plan, which says what the node may do in a second. */
  plan: string;
}

/** Why a node was asked to stop; one stopped with its tenant starts again with its tenant. */
export type StopReason = 'requested' | 'tenant_suspended';

export type NodeEvent =
  | DomainEvent<'NodeRequested', NodeRequestedData>
  /** The epoch is the fencing token: it grows with every placement, and an older one may not write any more. */
  | DomainEvent<'NodePlaced', { nodeId: NodeId; managerId: ManagerId; epoch: number }>
  | DomainEvent<'NodeStarted', { nodeId: NodeId; managerId: ManagerId; epoch: number }>
  | DomainEvent<'NodeFailed', { nodeId: NodeId; reason: string }>
  | DomainEvent<'NodeStartRequested', { nodeId: NodeId; operationId: OperationId }>
  | DomainEvent<'NodeStopRequested', { nodeId: NodeId; operationId: OperationId; reason: StopReason }>
  | DomainEvent<'NodeStopped', { nodeId: NodeId }>
  | DomainEvent<'NodeResized', { nodeId: NodeId; memoryLimitMb: number }>
  | DomainEvent<'NodeCredentialsRotated', { nodeId: NodeId; passwordSha256: string }>
  | DomainEvent<'NodeDeleteRequested', { nodeId: NodeId; operationId: OperationId }>
  | DomainEvent<'NodeDeleted', { nodeId: NodeId }>;

/** The stream of one node. */
export const nodeStream = (nodeId: NodeId) => `node-${nodeId}`;
