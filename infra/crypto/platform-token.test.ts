import { createSecretKey, randomBytes } from 'node:crypto';

import { assert, property, string } from 'fast-check';
import { expect, test } from 'vitest';

import { newId } from './ids.ts';
import { issuePlatformToken, verifyPlatformToken } from './platform-token.ts';

const masterKey = createSecretKey(randomBytes(32));
const now = new Date('2026-11-21T12:00:00Z');
const later = new Date(now.getTime() + 60_000);

test('a token opens its node until it expires', () => {
  const nodeId = newId('node');
  const token = issuePlatformToken(masterKey, { nodeId, expiresAt: later });
  expect(verifyPlatformToken(masterKey, token, now)).toEqual({ nodeId });
  expect(verifyPlatformToken(masterKey, token, new Date(later.getTime() - 1))).toEqual({ nodeId });
  expect(verifyPlatformToken(masterKey, token, later)).toBeNull();
});

test('another master key does not open it', () => {
  const token = issuePlatformToken(masterKey, { nodeId: newId('node'), expiresAt: later });
  expect(verifyPlatformToken(createSecretKey(randomBytes(32)), token, now)).toBeNull();
});

test('a token goes through AUTH and a URL as it is', () => {
  expect(issuePlatformToken(masterKey, { nodeId: newId('node'), expiresAt: later })).toMatch(/^[A-Za-z0-9._-]+$/);
});

test('no change of a single character is let through', () => {
  const token = issuePlatformToken(masterKey, { nodeId: newId('node'), expiresAt: later });
  for (let at = 0; at < token.length; at += 1) {
    const changed = `${token.slice(0, at)}${token[at] === '1' ? '2' : '1'}${token.slice(at + 1)}`;
    expect(verifyPlatformToken(masterKey, changed, now)).toBeNull();
  }
});

test('nothing made up is let through, and nothing throws', () => {
  assert(property(string(), (text) => verifyPlatformToken(masterKey, text, now) === null));
});
