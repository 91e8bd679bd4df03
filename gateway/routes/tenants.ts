import { TenantId } from '#domains/kernel/ids.ts';
import { getTenant, listTenants, listTenantsAt, tenantAt, type TenantRow } from '#projections/tenants/queries.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { mustBeReadable, tenantInScope } from '../reads/permitted.ts';
import { caughtUp, positionOf } from '../reads/position.ts';
import { goodPage, isUnchanged } from '../reads/respond.ts';
import { At, notModified, pageOf, Paging, pathIds, problemResponse } from '../shapes/common.ts';
import { Tenant } from '../shapes/resources.ts';

const tags = ['tenants'];
const action = 'ReadTenant';

/** Reading tenants, as they are and as they were. */
export function addTenantRoutes(app: FastifyInstance, deps: GatewayDependencies): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const { log, pool } = deps;

  api.get(
    '/v1/tenants',
    {
      config: { action },
      schema: {
        summary: 'List tenants, newest first',
        tags,
        querystring: Paging.extend({ state: Tenant.shape.state.optional(), at: At }),
        response: { 200: pageOf(Tenant), ...problemResponse },
      },
    },
    async (request, reply) => {
      const { at, state, ...page } = request.query;
      const filter = { state, tenantId: tenantInScope(request, action, undefined) ?? undefined };
      if (at !== undefined) return goodPage(await listTenantsAt(log, filter, page, await positionOf(deps, reply, at)));
      await caughtUp(deps, reply, ['tenants']);
      return goodPage(await listTenants(pool, filter, page));
    },
  );

  api.get(
    '/v1/tenants/:tenantId',
    {
      config: { action },
      schema: {
        summary: 'Read a tenant',
        tags,
        params: pathIds('tenantId'),
        querystring: z.strictObject({ at: At }),
        response: { 200: Tenant, 304: notModified, ...problemResponse },
      },
    },
    async (request, reply) => {
      const { at } = request.query;
      const id = TenantId.safeParse(request.params.tenantId);
      let row: TenantRow | null = null;
      if (at !== undefined) {
        const position = await positionOf(deps, reply, at);
        if (id.success) row = await tenantAt(log, id.data, position);
      } else {
        await caughtUp(deps, reply, ['tenants']);
        if (id.success) row = await getTenant(pool, id.data);
      }
      const found = row === null ? null : { row, tenantId: row.id as TenantId };
      mustBeReadable(request, action, found);
      return isUnchanged(request, reply, found.row.version) ? undefined : found.row;
    },
  );
}
