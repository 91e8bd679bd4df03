import { DEFAULT_PLAN } from '#domains/plan/plans.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import { tenantStream } from '#domains/tenant/events.ts';
import { TenantId } from '#domains/kernel/ids.ts';
import { TenantName, type TenantCommand } from '#domains/tenant/commands.ts';
import { step } from '#infra/commands/step.ts';
import { newId } from '#infra/crypto/ids.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { release, reserve, tenantName } from '../names.ts';
import type { TenantRow } from '#projections/tenants/queries.ts';
import { tenantFromLog } from '#projections/from-log/queries.ts';
import { NoBody, pathIds, problemResponse, text } from '../shapes/common.ts';
import { Tenant } from '../shapes/resources.ts';
import { ifMatchOf } from '../writes/command-id.ts';
import { handleWrite, type Answer, type Plan } from '../writes/handle-write.ts';
import { findTenant } from '../writes/things.ts';

const tags = ['tenants'];

const TenantInput = z.strictObject({
  name: TenantName.refine((name) => name.isWellFormed(), 'must be well-formed Unicode'),
  plan: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,49}$/, 'must be 1 to 50 lower-case letters, digits and dashes')
    .default(DEFAULT_PLAN),
});
const Reason = z.strictObject({ reason: text(500).default('') }).default({ reason: '' });

/** Tenants: made, suspended, resumed and deleted by operators. */
export function addTenantCommands(app: FastifyInstance, deps: GatewayDependencies): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const { log, masterKey } = deps;

  api.post(
    '/v1/tenants',
    {
      config: { action: 'CreateTenant' },
      schema: { summary: 'Create a tenant', tags, body: TenantInput, response: { 201: Tenant, ...problemResponse } },
    },
    (request, reply) => {
      const tenantId = newId('tnt');
      const { name, plan } = request.body;
      return handleWrite(deps, request, reply, {
        action: 'CreateTenant',
        target: { kind: 'tenant', id: tenantId },
        find: () => Promise.resolve({ tenantId: null }),
        plan: () =>
          Promise.resolve({
            tenantId,
            steps: [
              reserve(tenantName(masterKey, name), tenantId),
              onTenant(tenantId, { type: 'CreateTenant', data: { tenantId, name, plan } }),
            ],
          }),
        answer: async ({ target }) => ({
          ...(await tenantAnswer(deps, target.id, 201)),
          location: `/v1/tenants/${target.id}`,
        }),
      });
    },
  );

  api.post(
    '/v1/tenants/:tenantId/suspend',
    {
      config: { action: 'SuspendTenant' },
      schema: {
        summary: 'Suspend a tenant; its nodes are stopped',
        tags,
        params: pathIds('tenantId'),
        body: Reason,
        response: { 200: Tenant, ...problemResponse },
      },
    },
    (request, reply) => {
      const { reason } = request.body;
      return changeTenant(request, reply, 'SuspendTenant', request.params.tenantId, (tenantId) => ({
        type: 'SuspendTenant',
        data: { tenantId, reason },
      }));
    },
  );

  api.post(
    '/v1/tenants/:tenantId/resume',
    {
      config: { action: 'ResumeTenant' },
      schema: {
        summary: 'Resume a suspended tenant; the nodes stopped with it are started',
        tags,
        params: pathIds('tenantId'),
        body: NoBody,
        response: { 200: Tenant, ...problemResponse },
      },
    },
    (request, reply) =>
      changeTenant(request, reply, 'ResumeTenant', request.params.tenantId, (tenantId) => ({
        type: 'ResumeTenant',
        data: { tenantId },
      })),
  );

  api.delete(
    '/v1/tenants/:tenantId',
    {
      config: { action: 'DeleteTenant' },
      schema: {
        summary: 'Delete a tenant with its nodes and keys',
        tags,
        params: pathIds('tenantId'),
        body: NoBody,
        response: { 200: Tenant, ...problemResponse },
      },
    },
    (request, reply) =>
      changeTenant(request, reply, 'DeleteTenant', request.params.tenantId, (tenantId) => ({
        type: 'DeleteTenant',
        data: { tenantId },
      })),
  );

  function changeTenant(
    request: FastifyRequest,
    reply: FastifyReply,
    action: 'SuspendTenant' | 'ResumeTenant' | 'DeleteTenant',
    id: string,
    command: (tenantId: TenantId) => TenantCommand,
  ) {
    return handleWrite(deps, request, reply, {
      action,
      target: { kind: 'tenant', id },
      find: () => findTenant(log, id),
      plan: ({ id: tenantId, state }): Promise<Plan> => {
        const steps = [onTenant(tenantId, command(tenantId), ifMatchOf(request) ?? undefined)];
        // A deleted tenant can't come back, so its name is free from here on; an erased name was freed by its erasure.
        if (action === 'DeleteTenant' && state.name !== null) {
          steps.push(release(tenantName(masterKey, state.name), tenantId));
        }
        return Promise.resolve({ steps });
      },
      answer: ({ target }) => tenantAnswer(deps, target.id, 200),
    });
  }
}

function onTenant(tenantId: TenantId, command: TenantCommand, expectedVersion?: number) {
  return step({ stream: tenantStream(tenantId), decider: tenantDecider, command, expectedVersion });
}

async function tenantAnswer({ log }: GatewayDependencies, id: string, status: number): Promise<Answer<TenantRow>> {
  const tenant = await tenantFromLog(log, TenantId.parse(id));
  return { status, body: tenant, version: tenant.version };
}
