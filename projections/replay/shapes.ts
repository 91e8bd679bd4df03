import type { Thing } from './fold.ts';

/** A thing as the API lists it; the order of fields is the API's. */
export type Shown = Readonly<Record<string, unknown>> & { readonly id: string; readonly state: string };

/** The state of a tenant, as far as it is shown; its decider's type fits. */
export interface TenantState {
  readonly status: string;
  readonly name: string;
  readonly plan: string;
}

export interface NodeState {
  readonly status: string;
  readonly tenantId: string | null;
  readonly settings: Readonly<Record<string, unknown>> | null;
  readonly managerId: string | null;
  readonly epoch: number;
  readonly failure: string | null;
}

export interface BackupState {
  readonly status: string;
  readonly request: { readonly nodeId: string; tenantId: string; nodeName: string; operationId: string } | null;
  readonly content: Readonly<
    Record<'objectKey' | 'sha256' | 'digest', string> & Record<'bytes' | 'keys', number>
  > | null;
  readonly failure: string | null;
}

/** What `GET /v1/tenants` shows of a tenant. */
export function showTenant({ id, state, createdAt, updatedAt, version }: Thing<TenantState>): Shown {
  const { name, plan, status } = state;
  return { id, name, plan, state: status, createdAt, updatedAt, version };
}

/** What `GET /v1/nodes` shows of a node, without the endpoint, which is configuration and not history. */
export function showNode({ id, state, createdAt, updatedAt, version }: Thing<NodeState>): Shown {
  const { tenantId, settings, status, managerId, epoch, failure } = state;
  const { name, ...others } = settings ?? {};
  return { id, tenantId, name, state: status, ...others, managerId, epoch, failure, createdAt, updatedAt, version };
}

/** What `GET /v1/backups` shows of a backup. */
export function showBackup({ id, state, createdAt, updatedAt, version, times }: Thing<BackupState>): Shown {
  const { request, content, status, failure } = state;
  return {
    id,
    nodeId: request?.nodeId,
    tenantId: request?.tenantId,
    nodeName: request?.nodeName,
    operationId: request?.operationId,
    state: status,
    objectKey: content?.objectKey ?? null,
    sha256: content?.sha256 ?? null,
    bytes: content?.bytes ?? null,
    keys: content?.keys ?? null,
    digest: content?.digest ?? null,
    failure,
    createdAt,
    completedAt: times['BackupCompleted'] ?? null,
    verifiedAt: times['BackupVerified'] ?? null,
    updatedAt,
    version,
  };
}
