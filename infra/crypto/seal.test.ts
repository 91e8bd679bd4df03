import { createSecretKey, randomBytes } from 'node:crypto';

import { assert, property, string, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';

import { seal, unseal } from './seal.ts';

const key = createSecretKey(randomBytes(32));

test('what is sealed comes out again, at its place and under its key alone', () => {
  assert(
    property(uint8Array(), string(), string(), (plain, place, elsewhere) => {
      const sealed = seal(key, place, plain);
      expect(unseal(key, place, sealed).equals(plain)).toBe(true);
      if (place !== elsewhere) expect(() => unseal(key, elsewhere, sealed)).toThrow();
      expect(() => unseal(createSecretKey(randomBytes(32)), place, sealed)).toThrow();
    }),
  );
});

test('the same text is sealed the same way at the same place, and another way elsewhere or under another key', () => {
  expect(seal(key, 'a', 'text').equals(seal(key, 'a', 'text'))).toBe(true);
  const nonces = [
    seal(key, 'a', 'text'),
    seal(key, 'b', 'text'),
    seal(key, 'a', 'text2'),
    seal(createSecretKey(randomBytes(32)), 'a', 'text'),
    // Where the place ends and the text begins must not matter.
    seal(key, 'at', 'ext'),
  ].map((sealed) => sealed.subarray(0, 12).toString('hex'));
  expect(new Set(nonces).size).toBe(5);
});

test('no bit may change, none may be missing', () => {
  const sealed = seal(key, 'place', 'a name');
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => unseal(key, 'place', changed)).toThrow();
  }
  for (let length = 0; length < sealed.length; length += 1) {
    expect(() => unseal(key, 'place', sealed.subarray(0, length))).toThrow();
  }
});
