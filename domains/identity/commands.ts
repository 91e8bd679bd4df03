import { z } from 'zod';
import type { DomainCommand } from '../kernel/decider.ts';
import { ApiKeyId, Sha256, TenantId } from '../kernel/ids.ts';
import { Role } from './roles.ts';

const CreateApiKey = z.strictObject({
  keyId: ApiKeyId,
  name: z.string().trim().max(100),
  role: Role,
  tenantId: TenantId.nullable(),
  secretSha256: Sha256,
});
const RevokeApiKey = z.strictObject({ keyId: ApiKeyId, reason: z.string().max(500) });

export type IdentityCommand =
  | DomainCommand<'CreateApiKey', z.infer<typeof CreateApiKey>>
  | DomainCommand<'RevokeApiKey', z.infer<typeof RevokeApiKey>>;
