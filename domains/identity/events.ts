import type { DomainEvent } from '../kernel/decider.ts';
import type { ApiKeyId, TenantId } from '../kernel/ids.ts';
import type { Role } from './roles.ts';

export type IdentityEvent =
  | DomainEvent<
      'ApiKeyCreated',
      { keyId: ApiKeyId; name: string; role: Role; tenantId: TenantId | null; secretSha256: string }
    >
  | DomainEvent<'ApiKeyRevoked', { keyId: ApiKeyId; reason: string }>;

/** The stream of one API key. */
export const apiKeyStream = (keyId: ApiKeyId) => `apikey-${keyId}`;
