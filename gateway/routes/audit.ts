import { listAudit } from '#projections/audit/queries.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { tenantInScope } from '../reads/permitted.ts';
import { caughtUp, positionOf } from '../reads/position.ts';
import { goodPage } from '../reads/respond.ts';
import { At, Filter, pageOf, Paging, problemResponse } from '../shapes/common.ts';
import { AuditItem } from '../shapes/resources.ts';

const Time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], { error: 'must be a time such as 2026-11-21T08:30:00Z' })
  .transform((time) => new Date(time))
  .optional();

/** `GET /v1/audit`: who asked for what, and what became of it. */
export function addAuditRoutes(app: FastifyInstance, deps: GatewayDependencies): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/v1/audit',
    {
      config: { action: 'ReadAudit' },
      schema: {
        summary: 'The timeline of everything that was asked for, newest first',
        tags: ['audit'],
        querystring: Paging.extend({
          tenantId: Filter.optional(),
          actor: Filter.optional().meta({ description: "The actor's id, such as key_…" }),
          action: Filter.optional(),
          outcome: AuditItem.shape.outcome.optional(),
          from: Time.meta({ description: 'Recorded at or after this time.' }),
          to: Time.meta({ description: 'Recorded before this time.' }),
          at: At,
          q: Filter.optional().meta({
            description: 'Text in action, target, actor, code, correlation or Redis command.',
          }),
        }),
        response: { 200: pageOf(AuditItem), ...problemResponse },
      },
    },
    async (request, reply) => {
      const { tenantId, limit, cursor, at, ...filter } = request.query;
      const scope = tenantInScope(request, 'ReadAudit', tenantId) ?? undefined;
      await caughtUp(deps, reply, ['audit']);
      const past = at === undefined ? {} : { at: await positionOf(deps, reply, at) };
      return goodPage(await listAudit(deps.pool, { ...filter, ...past, tenantId: scope }, { limit, cursor }));
    },
  );
}
