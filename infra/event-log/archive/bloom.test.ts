import { assert, property, string, uniqueArray } from 'fast-check';
import { expect, test } from 'vitest';

import { bloomOf, mayHold } from './bloom.ts';

test('a name that is in it is never denied', () => {
  assert(
    property(uniqueArray(string(), { minLength: 1, maxLength: 200 }), (names) => {
      const bits = bloomOf(new Set(names));
      for (const name of names) expect(mayHold(bits, name)).toBe(true);
    }),
  );
});

test('of the names that are not in it, about one in a hundred is taken for a member', () => {
  const bits = bloomOf(new Set(Array.from({ length: 1_000 }, (_, n) => `node-${n}`)));
  const taken = Array.from({ length: 10_000 }, (_, n) => mayHold(bits, `backup-${n}`)).filter(Boolean).length;
  expect(taken).toBeLessThan(300);
  expect(mayHold(bloomOf(new Set()), 'node-1')).toBe(false);
});
