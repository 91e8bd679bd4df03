import { describe, it } from 'vitest';
import { ApiKeyId, TenantId } from '../kernel/ids.ts';
import { specOf, specTable } from '../kernel/spec.ts';
import { apiKeyDecider } from './decider.ts';
import type { IdentityEvent } from './events.ts';
import type { Role } from './roles.ts';

const keyId = ApiKeyId.parse('key_01jd0000000000000000000000');
const tenantId = TenantId.parse('tnt_01jd0000000000000000000000');
const key = { keyId, name: 'ci', role: 'tenant-admin' as Role, tenantId, secretSha256: 'a'.repeat(64) };
const created: IdentityEvent = { type: 'ApiKeyCreated', data: key };
const revoked: IdentityEvent = { type: 'ApiKeyRevoked', data: { keyId, reason: 'rotated' } };
const { given } = specOf(apiKeyDecider);

describe('API key', () => {
  const cases = specTable(
    apiKeyDecider,
    { absent: [], active: [created], revoked: [created, revoked] },
    {
      CreateApiKey: { type: 'CreateApiKey', data: key },
      RevokeApiKey: { type: 'RevokeApiKey', data: { keyId, reason: 'rotated' } },
    },
    {
      absent: { CreateApiKey: 'ApiKeyCreated', RevokeApiKey: 'not_found' },
      active: { CreateApiKey: 'already_exists', RevokeApiKey: 'ApiKeyRevoked' },
      revoked: { CreateApiKey: 'already_exists', RevokeApiKey: 'not_found' },
    },
  );
  it.each(cases)('$name', ({ check }) => check());

  it.each([
    ['operator', tenantId, false],
    ['operator', null, true],
    ['tenant-admin', tenantId, true],
    ['tenant-admin', null, false],
    ['tenant-developer', tenantId, true],
    ['tenant-developer', null, false],
    ['auditor', tenantId, true],
    ['auditor', null, true],
  ] as const)('%s bound to %s: %s', (role, tenantId, possible) => {
    const data = { ...key, role, tenantId };
    const outcome = given().when({ type: 'CreateApiKey', data });
    if (possible) outcome.then({ type: 'ApiKeyCreated', data });
    else outcome.thenRejected('role_scope_mismatch');
  });
});
