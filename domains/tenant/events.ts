import type { DomainEvent } from '../kernel/decider.ts';
import type { TenantId } from '../kernel/ids.ts';

export type TenantEvent =
  | DomainEvent<'TenantCreated', { tenantId: TenantId; name: string; plan: string }>
  | DomainEvent<'TenantSuspended', { tenantId: TenantId; reason: string }>
  | DomainEvent<'TenantResumed', { tenantId: TenantId }>
  | DomainEvent<'TenantDeleted', { tenantId: TenantId }>;

/** The stream of one tenant. */
export const tenantStream = (tenantId: TenantId) => `tenant-${tenantId}`;
