import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { createStateCache } from './state-cache.ts';
import { stateOfText, textOfState } from './state-text.ts';

const evolve = () => null;
const at = (version: number, state: unknown = version) => ({ version, state, snapshotAt: -1 });

test('the states used least recently go first, when there are too many', () => {
  const cache = createStateCache({ entriesMax: 2 });
  cache.put('a', evolve, at(1));
  cache.put('b', evolve, at(1));
  cache.get('a', evolve);
  cache.put('c', evolve, at(1));
  expect(['a', 'b', 'c'].map((stream) => cache.get(stream, evolve)?.version)).toEqual([1, undefined, 1]);
});

test('or when they are too large together; one that is too large by itself is not kept', () => {
  const cache = createStateCache({ bytesMax: 5000 });
  for (const stream of ['a', 'b', 'c']) cache.put(stream, evolve, at(1, { text: 'x'.repeat(900) }));
  expect(['a', 'b', 'c'].map((stream) => cache.get(stream, evolve)?.version)).toEqual([undefined, 1, 1]);
  cache.put('d', evolve, at(1, new Map([['d', 'x'.repeat(3000)]])));
  expect(cache.get('d', evolve)).toBeUndefined();
  expect(cache.get('c', evolve)).toBeDefined();
});

test('an older state never takes the place of a newer, and each way of folding has its own', () => {
  const cache = createStateCache();
  const other = () => null;
  cache.put('a', evolve, at(5));
  cache.put('a', evolve, at(4));
  cache.put('a', other, at(1));
  expect(cache.get('a', evolve)?.version).toBe(5);
  cache.forget('a', evolve);
  expect(cache.get('a', evolve)).toBeUndefined();
  expect(cache.get('a', other)?.version).toBe(1);
});

test('a state comes back from its text as it was, or has none', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.date(),
  );
  const { state } = fc.letrec<{ state: unknown }>((tie) => ({
    state: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('state'), { maxLength: 3 }),
      fc.array(tie('state'), { maxLength: 3 }).map((items) => new Set(items)),
      fc.array(fc.tuple(fc.string(), tie('state')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$bigint', '$map', '$set')), tie('state'), { maxKeys: 3 }),
    ),
  }));
  fc.assert(
    fc.property(state, (value) => {
      const text = textOfState(value);
      if (text !== null) expect(stateOfText(text)).toEqual(value);
    }),
    { numRuns: 500 },
  );
  const plain = { count: 1, big: 2n ** 70n, by: new Map([['a', new Set([1n])]]), none: null };
  expect(stateOfText(textOfState(plain) ?? '')).toEqual(plain);
  for (const odd of [{ gone: undefined }, { at: new Date(0) }, Number.NaN, { $bigint: '1' }]) {
    expect(textOfState(odd)).toBeNull();
  }
});
