import { ApiKeyId } from '#domains/kernel/ids.ts';

import { keyedHash, type MasterKey } from './master-key.ts';
import { constantTimeEqual } from './secrets.ts';

const purpose = 'access-token';
const format = /^mrt_(?<claims>(?<keyId>[^.]+)\.(?<expiry>[0-9]{1,15}))\.(?<hash>[0-9a-f]{64})$/;

/**
 * Stands for an API key until a time, where the key itself must not go. Whoever knows the master key can check it, so it is kept
 * nowhere; revoking the key ends it, too.
 */
export function issueAccessToken(masterKey: MasterKey, pass: { keyId: ApiKeyId; expiresAt: Date }): string {
  const claims = `${pass.keyId}.${pass.expiresAt.getTime()}`;
  return `mrt_${claims}.${keyedHash(masterKey, purpose, claims)}`;
}

/** Whether a text has the form of a token rather than of a key. */
export function looksLikeAccessToken(text: string): boolean {
  return format.test(text);
}

/** What a token was issued for, or null when it was not issued under this master key or was changed. It may have expired. */
export function readAccessToken(masterKey: MasterKey, token: string): { keyId: ApiKeyId; expiresAt: Date } | null {
  const parts = format.exec(token)?.groups;
  if (parts === undefined) return null;
  if (!constantTimeEqual(keyedHash(masterKey, purpose, parts['claims'] ?? ''), parts['hash'] ?? '')) return null;
  const keyId = ApiKeyId.safeParse(parts['keyId']);
  return keyId.success ? { keyId: keyId.data, expiresAt: new Date(Number(parts['expiry'])) } : null;
}

/** The key a token stands for, or null when it is none or has expired. */
export function verifyAccessToken(masterKey: MasterKey, token: string, now: Date): ApiKeyId | null {
  const pass = readAccessToken(masterKey, token);
  return pass !== null && pass.expiresAt > now ? pass.keyId : null;
}
