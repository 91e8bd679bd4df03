import { issueAccessToken } from '#infra/crypto/access-token.ts';
import { ApiKeyId } from '#domains/kernel/ids.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { GatewayDependencies } from '../dependencies.ts';
import { bearerOf, principalOf } from '../plugins/authentication.ts';
import { Problem } from '../problems.ts';
import { problemResponse } from '../shapes/common.ts';
import { handleWrite } from '../writes/handle-write.ts';

const lifetimeMax_s = 3600;

const AccessTokenInput = z
  .strictObject({ expiresInSeconds: z.int().min(1).max(lifetimeMax_s).default(300) })
  .default({ expiresInSeconds: 300 });

const AccessToken = z.object({
  token: z.string().optional().meta({ description: 'Shown once; null when the request was repeated.' }),
  expiresAt: z.iso.datetime(),
  credentialsShown: z.literal(true).optional(),
});

/** `POST /v1/access-tokens`: a short-lived stand-in for the API key that asks, for places where a key must not go, such as Kafka. */
export function addAccessTokenRoute(app: FastifyInstance, deps: GatewayDependencies): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    '/v1/access-tokens',
    {
      config: { action: 'CreateAccessToken' },
      schema: {
        summary: 'Get a short-lived token that may do what the API key may',
        tags: ['api-keys'],
        body: AccessTokenInput,
        response: { 201: AccessToken, ...problemResponse },
      },
    },
    (request, reply) => {
      // Otherwise one that leaked could be made to last for ever.
      if (bearerOf(request.headers.authorization)?.startsWith('mrt_') === true) {
        throw new Problem('forbidden', 'A token can not be had with a token; use the API key.');
      }
      const { keyId, tenantId } = principalOf(request);
      const expiresAt = new Date(Date.now() + request.body.expiresInSeconds * 1000);
      return handleWrite(deps, request, reply, {
        action: 'CreateAccessToken',
        target: { kind: 'api-key', id: keyId },
        find: () => Promise.resolve({ tenantId }),
        plan: () =>
          Promise.resolve({
            steps: [],
            result: { expiresAt: expiresAt.toISOString() },
            secret: issueAccessToken(deps.masterKey, { keyId: ApiKeyId.parse(keyId), expiresAt }),
          }),
        answer: ({ result, repeated }, token) =>
          Promise.resolve({
            status: 201,
            body: {
              ...(token !== null && { token }),
              expiresAt: result['expiresAt'] ?? '',
              ...(repeated && { credentialsShown: true as const }),
            },
          }),
      });
    },
  );
}
