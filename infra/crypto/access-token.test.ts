import { createSecretKey, randomBytes } from 'node:crypto';

import { expect, test } from 'vitest';

import { issueAccessToken, looksLikeAccessToken, verifyAccessToken } from './access-token.ts';
import { newId } from './ids.ts';
import { issuePlatformToken } from './platform-token.ts';

const masterKey = createSecretKey(randomBytes(32));
const now = new Date('2026-11-21T12:00:00Z');
const later = new Date(now.getTime() + 60_000);
const keyId = newId('key');
const token = issueAccessToken(masterKey, { keyId, expiresAt: later });

test('a token stands for its key until it expires', () => {
  expect(looksLikeAccessToken(token)).toBe(true);
  expect(verifyAccessToken(masterKey, token, now)).toBe(keyId);
  expect(verifyAccessToken(masterKey, token, later)).toBeNull();
});

test('another master key, another purpose and any changed character end it', () => {
  expect(verifyAccessToken(createSecretKey(randomBytes(32)), token, now)).toBeNull();
  const platform = issuePlatformToken(masterKey, { nodeId: newId('node'), expiresAt: later });
  expect(verifyAccessToken(masterKey, `mrt_${platform}`, now)).toBeNull();
  for (let at = 0; at < token.length; at += 1) {
    const changed = `${token.slice(0, at)}${token[at] === '1' ? '2' : '1'}${token.slice(at + 1)}`;
    expect(verifyAccessToken(masterKey, changed, now)).toBeNull();
  }
});
