import { authorize } from '#domains/identity/authorize.ts';
import type { Action } from '#domains/identity/roles.ts';
import { TenantId } from '#domains/kernel/ids.ts';
import type { FastifyRequest } from 'fastify';

import { principalOf, refusal, type Owner } from '../plugins/authentication.ts';
import { Problem } from '../problems.ts';

/** Throws the problem why the caller may not read what an id stands for, or that there is nothing. */
export function mustBeReadable<Found extends NonNullable<Owner>>(
  request: FastifyRequest,
  action: Action,
  found: Found | null,
): asserts found is Found {
  const refused = refusal(principalOf(request), action, found);
  const instance = request.routeOptions.url;
  if (refused !== null) throw new Problem(refused.code, refused.detail, instance === undefined ? {} : { instance });
  if (found === null) throw new Problem('not_found', 'There is nothing with this id.');
}

/**
 * The tenant whose things a list is about; null: all tenants'. A tenant's key sees its own tenant's, and whoever it asks for
 * beyond that is not there.
 */
export function tenantInScope(request: FastifyRequest, action: Action, asked: string | undefined): string | null {
  const principal = principalOf(request);
  const parsed = TenantId.safeParse(asked);
  const tenantId = asked === undefined ? principal.tenantId : parsed.success ? parsed.data : null;
  const unknown = asked !== undefined && !parsed.success;
  const refused = unknown ? refusal(principal, action, null) : authorize(principal, action, tenantId);
  if (refused !== null) throw new Problem(refused.code, refused.detail);
  return asked ?? tenantId;
}
