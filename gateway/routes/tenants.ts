import { TenantId } from '#domains/kernel/ids.ts';
import { getTenant, listTenants, listTenantsAt, tenantAt } from '#projections/tenants/queries.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { mustBeReadable, tenantInScope } from '../reads/permitted.ts';
import { nowOrThen } from '../reads/position.ts';
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
      const listed = await nowOrThen(
        deps,
        reply,
        { at, view: 'tenants' },
        () => listTenants(pool, filter, page),
        (position) => listTenantsAt(log, filter, page, position),
      );
      return goodPage(listed);
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
      const id = TenantId.safeParse(request.params.tenantId);
      const row = await nowOrThen(
        deps,
        reply,
        { at: request.query.at, view: 'tenants' },
        async () => (id.success ? getTenant(pool, id.data) : null),
        async (position) => (id.success ? tenantAt(log, id.data, position) : null),
      );
      const found = row === null ? null : { row, tenantId: row.id as TenantId };
      mustBeReadable(request, action, found);
      return isUnchanged(request, reply, found.row.version) ? undefined : found.row;
    },
  );
}
