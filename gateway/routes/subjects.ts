import { apiKeyDecider, type ApiKeyState } from '#domains/identity/decider.ts';
import { apiKeyStream, type IdentityEvent } from '#domains/identity/events.ts';
import type { ApiKeyId, TenantId } from '#domains/kernel/ids.ts';
import { reject, type Rejection } from '#domains/kernel/rejection.ts';
import { subjectDecider } from '#domains/subject/decider.ts';
import { subjectStream } from '#domains/subject/events.ts';
import { tenantDecider, type TenantState } from '#domains/tenant/decider.ts';
import { tenantStream, type TenantEvent } from '#domains/tenant/events.ts';
import { step, type Step } from '#infra/commands/step.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { NoBody, pathIds, problemResponse } from '../shapes/common.ts';
import { Subject } from '../shapes/resources.ts';
import { handleWrite, type Plan } from '../writes/handle-write.ts';
import { findApiKey, findTenant } from '../writes/things.ts';

/** `POST /v1/subjects/:subjectId/erase`: the personal data of a tenant or of an API key becomes unreadable everywhere, for good. */
export function addSubjectRoutes(app: FastifyInstance, deps: GatewayDependencies): void {
  const { log } = deps;
  app.withTypeProvider<ZodTypeProvider>().post(
    '/v1/subjects/:subjectId/erase',
    {
      config: { action: 'EraseSubject' },
      schema: {
        summary: 'Erase the personal data of a deleted tenant or a revoked API key, for good',
        tags: ['subjects'],
        params: pathIds('subjectId'),
        body: NoBody,
        response: { 200: Subject, ...problemResponse },
      },
    },
    (request, reply) => {
      const { subjectId: subject } = request.params;
      return handleWrite(deps, request, reply, {
        action: 'EraseSubject',
        target: { kind: 'subject', id: subject },
        async find() {
          const tenant = await findTenant(log, subject);
          if (tenant !== null) return { tenantId: tenant.tenantId, outOfUse: deleted(tenant.id) };
          const key = await findApiKey(log, subject);
          return key === null ? null : { tenantId: key.tenantId, outOfUse: revoked(key.id) };
        },
        plan({ outOfUse }): Promise<Plan> {
          const command = { type: 'EraseSubject', data: { subject } } as const;
          const erase = step({ stream: subjectStream(subject), decider: subjectDecider, command });
          return Promise.resolve({ steps: [outOfUse, erase] });
        },
        async answer() {
          // Reading it is what destroys the key, see the codec: whoever gets this answer finds nothing any more.
          const [erased] = await log.readStream(subjectStream(subject));
          if (erased === undefined) throw new Error(`The log does not say that ${subject} was erased.`);
          return { status: 200, body: { id: subject, state: 'erased', erasedAt: erased.recordedAt } as const };
        },
      });
    },
  );
}

/** What is in use still needs its data: a tenant's name, for one, is released by it. */
function deleted(id: TenantId): Step {
  const decide = (_command: unknown, { status }: TenantState): readonly TenantEvent[] | Rejection =>
    status === 'deleted' ? [] : reject('illegal_transition', 'The tenant is in use; delete it first.');
  const command = { type: 'RequireDeleted', data: {} } as const;
  return step({ stream: tenantStream(id), decider: { ...tenantDecider, decide }, command });
}

function revoked(id: ApiKeyId): Step {
  const decide = (_command: unknown, { status }: ApiKeyState): readonly IdentityEvent[] | Rejection =>
    status === 'revoked' ? [] : reject('illegal_transition', 'The API key is in use; revoke it first.');
  const command = { type: 'RequireRevoked', data: {} } as const;
  return step({ stream: apiKeyStream(id), decider: { ...apiKeyDecider, decide }, command });
}
