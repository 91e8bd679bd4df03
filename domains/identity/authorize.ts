import type { TenantId } from '../kernel/ids.ts';
import { reject, type Rejection } from '../kernel/rejection.ts';
import { permissions, type Action, type Role } from './roles.ts';

/** Who asks: a key's role, and the tenant that it is bound to (null: the whole platform). */
export interface Principal {
  readonly keyId: string;
  readonly role: Role;
  readonly tenantId: TenantId | null;
}

/**
 * Null when `principal` may do `action` on something of `tenantId` (null: something of the platform's own), else why
 * not. What lies outside the scope of a key answers `not_found`, so that nobody learns what others have.
 */
export function authorize(principal: Principal, action: Action, tenantId: TenantId | null): Rejection | null {
  const granted = permissions[principal.role];
  const permitted = granted === 'everything' || granted.has(action);
  if (principal.tenantId !== null && tenantId !== null && tenantId !== principal.tenantId) {
    return reject('not_found', 'There is nothing with this id.');
  }
  if (!permitted || (principal.tenantId !== null && tenantId === null)) {
    return reject('forbidden', `The role ${principal.role} may not do this (${action}).`);
  }
  return null;
}
