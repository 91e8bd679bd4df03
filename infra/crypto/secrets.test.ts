import { expect, test } from 'vitest';

import { constantTimeEqual, newSecret, sha256Hex } from './secrets.ts';

test('secrets have 256 bits in 43 characters, and are never the same', () => {
  const secrets = Array.from({ length: 1_000 }, newSecret);
  expect(new Set(secrets).size).toBe(1_000);
  for (const secret of secrets) {
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(secret, 'base64url').length).toBe(32);
  }
});

test('SHA-256 of texts and bytes (the vector of FIPS 180-2)', () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(sha256Hex('abc')).toBe(abc);
  expect(sha256Hex(Buffer.from('abc'))).toBe(abc);
});

test('equal is equal, whatever the lengths', () => {
  expect(constantTimeEqual('abc', 'abc')).toBe(true);
  expect(constantTimeEqual('abc', 'abd')).toBe(false);
  expect(constantTimeEqual('abc', 'abcd')).toBe(false);
  expect(constantTimeEqual('', '')).toBe(true);
});
