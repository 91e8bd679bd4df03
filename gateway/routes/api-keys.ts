import { apiKeyDecider } from '#domains/identity/decider.ts';
import { apiKeyStream } from '#domains/identity/events.ts';
import { Role } from '#domains/identity/roles.ts';
import { ApiKeyId, TenantId } from '#domains/kernel/ids.ts';
import { reject, type Rejection } from '#domains/kernel/rejection.ts';
import { tenantDecider, type TenantState } from '#domains/tenant/decider.ts';
import { tenantStream, type TenantEvent } from '#domains/tenant/events.ts';
import { step, type Step } from '#infra/commands/step.ts';
import { newId } from '#infra/crypto/ids.ts';
import { sha256Hex } from '#infra/crypto/secrets.ts';
import { apiKeyAt, getApiKey, listApiKeys, listApiKeysAt } from '#projections/api_keys/queries.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { newApiKey } from '../api-key.ts';
import type { GatewayDependencies } from '../dependencies.ts';
import { principalOf, type Owner } from '../plugins/authentication.ts';
import { apiKeyFromLog } from '#projections/from-log/queries.ts';
import { mustBeReadable, tenantInScope } from '../reads/permitted.ts';
import { nowOrThen } from '../reads/position.ts';
import { goodPage, isUnchanged } from '../reads/respond.ts';
import { At, Filter, NoBody, notModified, pageOf, Paging, pathIds, problemResponse, text } from '../shapes/common.ts';
import { presentApiKey } from '../shapes/present.ts';
import { ApiKey, ApiKeyReply } from '../shapes/resources.ts';
import { ifMatchOf } from '../writes/command-id.ts';
import { handleWrite, type Plan } from '../writes/handle-write.ts';
import { keepOneOperator } from '../writes/last-operator.ts';
import { findApiKey, findTenant } from '../writes/things.ts';

const tags = ['api-keys'];

const ApiKeyInput = z.strictObject({
  name: text(100).trim().default(''),
  role: Role,
  tenantId: z.string().max(100).nullable().optional().meta({
    description: "Whose key it is; null: the whole platform's. Left out by a tenant's key, it is that tenant.",
  }),
});

/** API keys: made, listed, read and revoked. */
export function addApiKeyRoutes(app: FastifyInstance, deps: GatewayDependencies): void {
  const api = app.withTypeProvider<ZodTypeProvider>();
  const { log, pool } = deps;

  api.post(
    '/v1/api-keys',
    {
      config: { action: 'CreateApiKey' },
      schema: {
        summary: 'Create an API key; the key is in this reply alone',
        tags,
        body: ApiKeyInput,
        response: { 201: ApiKeyReply, ...problemResponse },
      },
    },
    (request, reply) => {
      const keyId = newId('key');
      const { name, role } = request.body;
      const own = role === 'operator' ? null : principalOf(request).tenantId;
      const wanted = request.body.tenantId === undefined ? own : request.body.tenantId;
      return handleWrite(deps, request, reply, {
        action: 'CreateApiKey',
        target: { kind: 'api-key', id: keyId },
        find: async () => (wanted === null ? { tenantId: null } : findTenant(log, wanted)),
        plan({ tenantId }): Promise<Plan> {
          const key = newApiKey(keyId);
          const data = { keyId, name, role, tenantId, secretSha256: sha256Hex(key) };
          const create = step({
            stream: apiKeyStream(keyId),
            decider: apiKeyDecider,
            command: { type: 'CreateApiKey', data },
          });
          return Promise.resolve({ steps: [...ofLivingTenant(tenantId), create], secret: key });
        },
        async answer({ target, repeated }, secret) {
          const row = await apiKeyFromLog(log, ApiKeyId.parse(target.id));
          return {
            status: 201,
            location: `/v1/api-keys/${row.id}`,
            version: row.version,
            body: {
              ...presentApiKey(row),
              ...(secret === null ? {} : { key: secret }),
              ...(repeated ? { credentialsShown: true as const } : {}),
            },
          };
        },
      });
    },
  );

  api.delete(
    '/v1/api-keys/:keyId',
    {
      config: { action: 'RevokeApiKey' },
      schema: {
        summary: 'Revoke an API key, from this moment on',
        tags,
        params: pathIds('keyId'),
        body: NoBody,
        response: { 200: ApiKey, ...problemResponse },
      },
    },
    (request, reply) => {
      const { keyId: id } = request.params;
      return handleWrite(deps, request, reply, {
        action: 'RevokeApiKey',
        target: { kind: 'api-key', id },
        find: async () => unlessOfPlatform(request, await findApiKey(log, id)),
        async plan({ id: keyId, state }): Promise<Plan> {
          const command = { type: 'RevokeApiKey', data: { keyId, reason: 'requested' } } as const;
          const expectedVersion = ifMatchOf(request) ?? undefined;
          const revoke = step({ stream: apiKeyStream(keyId), decider: apiKeyDecider, command, expectedVersion });
          return { steps: [revoke, ...(state.role === 'operator' ? await keepOneOperator(deps, keyId) : [])] };
        },
        async answer() {
          const row = await apiKeyFromLog(log, ApiKeyId.parse(id));
          return { status: 200, version: row.version, body: presentApiKey(row) };
        },
      });
    },
  );

  api.get(
    '/v1/api-keys',
    {
      config: { action: 'ReadApiKey' },
      schema: {
        summary: 'List API keys, newest first',
        tags,
        querystring: Paging.extend({ tenantId: Filter.optional(), state: ApiKey.shape.state.optional(), at: At }),
        response: { 200: pageOf(ApiKey), ...problemResponse },
      },
    },
    async (request, reply) => {
      const { tenantId, state, at, ...page } = request.query;
      const filter = { state, tenantId: tenantInScope(request, 'ReadApiKey', tenantId) ?? undefined };
      const listed = await nowOrThen(
        deps,
        reply,
        { at, view: 'api_keys' },
        () => listApiKeys(pool, filter, page),
        (position) => listApiKeysAt(log, filter, page, position),
      );
      const found = goodPage(listed);
      return { ...found, items: found.items.map(presentApiKey) };
    },
  );

  api.get(
    '/v1/api-keys/:keyId',
    {
      config: { action: 'ReadApiKey' },
      schema: {
        summary: 'Read an API key, without the key itself',
        tags,
        params: pathIds('keyId'),
        querystring: z.strictObject({ at: At }),
        response: { 200: ApiKey, 304: notModified, ...problemResponse },
      },
    },
    async (request, reply) => {
      const id = ApiKeyId.safeParse(request.params.keyId);
      const row = await nowOrThen(
        deps,
        reply,
        { at: request.query.at, view: 'api_keys' },
        async () => (id.success ? getApiKey(pool, id.data) : null),
        async (position) => (id.success ? apiKeyAt(log, id.data, position) : null),
      );
      const found = row === null ? null : { row, tenantId: row.tenantId as TenantId | null };
      const visible = unlessOfPlatform(request, found);
      mustBeReadable(request, 'ReadApiKey', visible);
      return isUnchanged(request, reply, visible.row.version) ? undefined : presentApiKey(visible.row);
    },
  );
}

/** To a tenant's key, the keys of the platform are not there. */
function unlessOfPlatform<Found extends NonNullable<Owner>>(request: FastifyRequest, found: Found | null) {
  return found?.tenantId === null && principalOf(request).tenantId !== null ? null : found;
}

/** A key is made for a tenant that exists; a suspended one may get keys, too. */
function ofLivingTenant(tenantId: TenantId | null): Step[] {
  if (tenantId === null) return [];
  const decide = (_command: unknown, { status }: TenantState): readonly TenantEvent[] | Rejection =>
    status === 'deleted' ? reject('not_found', `There is no tenant ${tenantId}.`) : [];
  const command = { type: 'RequireTenant', data: {} } as const;
  return [step({ stream: tenantStream(tenantId), decider: { ...tenantDecider, decide }, command })];
}
