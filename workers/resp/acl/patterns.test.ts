import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matches } from '../protocol/glob.ts';
import { anyMatches } from './patterns.ts';

const glob = fc.string({ unit: fc.constantFrom(...Array.from('ab*?[]\\')), maxLength: 5 });
const text = fc.string({ unit: fc.constantFrom(...Array.from('ab*')), maxLength: 5 });

test('patterns that were sorted by what they are match what each by itself does', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(glob, fc.boolean())), fc.array(text), (patterns, texts) => {
      const globs = new Map(patterns);
      for (const one of texts) {
        const expected = [...globs].some(([pattern, counts]) => counts && matches(pattern, one));
        expect(anyMatches(globs, one, (counts) => counts)).toBe(expected);
      }
    }),
    { numRuns: 2000 },
  );
});
