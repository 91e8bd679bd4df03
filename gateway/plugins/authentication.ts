import { authorize, type Principal } from '#domains/identity/authorize.ts';
import { apiKeyStream, type IdentityEvent } from '#domains/identity/events.ts';
import type { Action } from '#domains/identity/roles.ts';
import type { Actor } from '#domains/kernel/envelope.ts';
import { ApiKeyId, TenantId } from '#domains/kernel/ids.ts';
import { reject } from '#domains/kernel/rejection.ts';
import { tenantStream } from '#domains/tenant/events.ts';
import { recordDenial } from '#infra/commands/execute.ts';
import { verifyAccessToken } from '#infra/crypto/access-token.ts';
import { keyedHash } from '#infra/crypto/master-key.ts';
import { constantTimeEqual, sha256Hex } from '#infra/crypto/secrets.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';

import { keyIdWithin } from '../api-key.ts';
import type { GatewayDependencies } from '../dependencies.ts';
import { Problem } from '../problems.ts';
import { isRead } from './request-context.ts';
import type { RateLimits } from './rate-limits.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose key came with the request; null on public routes. */
    principal: Principal | null;
  }
}

const bearer = /^Bearer +(?<key>[A-Za-z0-9_.-]{1,200}) *$/i;

/** The key or token of an authorization; undefined where there is none of a form that could be one. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return bearer.exec(authorization ?? '')?.groups?.['key'];
}

/** Asks every request of a route that is not public who it comes from, before its body is read. */
export function addAuthentication(
  app: FastifyInstance,
  { log, masterKey }: GatewayDependencies,
  limits: RateLimits,
): void {
  app.decorateRequest('principal', null);
  app.addHook('onRequest', async (request) => {
    const { action, basic } = request.routeOptions.config;
    if (action === 'public' || action === undefined) return;
    const principal = await authenticate(
      { log, masterKey },
      basic === true ? asBearer(request) : request.headers.authorization,
    );
    if (principal === null) {
      await limits.countFailure(request.ip);
      if (!isRead(request)) await recordAttempt(log, request, action, keyedHash(masterKey, 'request', request.url));
      throw new Problem('unauthenticated', 'This takes a valid API key.');
    }
    request.principal = principal;
    await limits.countRequest(principal.keyId);
  });
}

/**
 * Whose key or token it is, by the log itself: a key that was revoked, or whose tenant was deleted, is worth nothing from the
 * moment on at which that was acknowledged. Null for everything else that is not a valid key.
 */
export async function authenticate(
  { log, masterKey }: Pick<GatewayDependencies, 'log' | 'masterKey'>,
  authorization: string | undefined,
): Promise<Principal | null> {
  const text = bearerOf(authorization) ?? '';
  const keyId = verifyAccessToken(masterKey, text, new Date());
  return keyId === null ? principalOfKey(log, text) : ((await holderOf(log, keyId))?.principal ?? null);
}

/** Whose API key it is; null for anything that is no valid one. */
export async function principalOfKey(log: EventLog, key: string): Promise<Principal | null> {
  const id = ApiKeyId.safeParse(keyIdWithin(key));
  const holder = id.success ? await holderOf(log, id.data) : null;
  return holder !== null && constantTimeEqual(sha256Hex(key), holder.secretSha256) ? holder.principal : null;
}

/** Who holds a key, while it and its tenant are there. */
async function holderOf(
  log: EventLog,
  keyId: ApiKeyId,
): Promise<{ principal: Principal; secretSha256: string } | null> {
  let created: Extract<IdentityEvent, { type: 'ApiKeyCreated' }>['data'] | null = null;
  for (const event of (await log.readStream(apiKeyStream(keyId))) as unknown as IdentityEvent[]) {
    created = event.type === 'ApiKeyCreated' ? event.data : null;
  }
  if (created === null) return null;
  const { role, tenantId, secretSha256 } = created;
  if (tenantId !== null && (await isDeleted(log, tenantId))) return null;
  return { principal: { keyId, role, tenantId }, secretSha256 };
}

const basicScheme = /^Basic +(?<credentials>[A-Za-z0-9+/]{1,400}={0,2}) *$/i;

/** The authorization of a request, where a basic one counts as its password; the user's name says nothing. */
function asBearer({ headers: { authorization } }: FastifyRequest): string | undefined {
  const credentials = basicScheme.exec(authorization ?? '')?.groups?.['credentials'];
  if (credentials === undefined) return authorization;
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return `Bearer ${pair.slice(pair.indexOf(':') + 1)}`;
}

async function isDeleted(log: EventLog, tenantId: TenantId): Promise<boolean> {
  return (await log.readStream(tenantStream(tenantId))).at(-1)?.type === 'TenantDeleted';
}

/** An attempt to change something without valid credentials leaves an entry, too. */
async function recordAttempt(
  log: EventLog,
  request: FastifyRequest,
  action: Action,
  requestHmac: string,
): Promise<void> {
  const [param, id] = Object.entries(request.params as Record<string, string>)[0] ?? ['platformId', '-'];
  const kind = param === 'keyId' ? 'api-key' : param.replace(/Id$/, '');
  await recordDenial(
    log,
    {
      action,
      actor: { kind: 'anonymous', id: 'anonymous' },
      address: request.ip,
      commandId: uuidv7(),
      correlationId: request.correlationId,
      causationId: null,
      trace: request.trace,
      tenantId: null,
      target: { kind, id },
      requestHmac,
    },
    reject('unauthenticated', 'The request came without valid credentials.'),
  );
}

/** The principal of a request on a route that is not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new Error('A public route asked who is calling.');
  return request.principal;
}

export function actorOf({ keyId }: Principal): Actor {
  return { kind: 'api-key', id: keyId };
}

/** Stands for the tenant of things that don't exist: it is nobody's, so unknown things look like those of others. */
const nobody = TenantId.parse(`tnt_${'0'.repeat(26)}`);

/** What was found for an id: whose it is (null: the platform's own), or that there is nothing. */
export type Owner = { readonly tenantId: TenantId | null } | null;

/** Why a principal may not do something with what an id stands for; to a tenant's key, unknown and foreign are the same. */
export function refusal(principal: Principal, action: Action, owner: Owner) {
  if (principal.tenantId === null) return authorize(principal, action, owner?.tenantId ?? null);
  return authorize(principal, action, owner === null ? nobody : owner.tenantId);
}
