import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textAt, wordAt } from './words.ts';
import type { Latin1Buffer } from './words.ts';

const byteStrings = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});

test('words and texts are the bytes, whatever was read before', () => {
  // Few different letters make words that share a place of the cache.
  const alike = fc.string({ unit: fc.constantFrom('a', 'b', '\xff'), maxLength: 30 });
  fc.assert(
    fc.property(fc.array(fc.oneof(byteStrings, alike), { maxLength: 200 }), (texts) => {
      for (const text of texts) {
        const buffer = Buffer.from(`**${text}**`, 'latin1') as Latin1Buffer;
        expect(wordAt(buffer, 2, text.length)).toBe(text);
        expect(textAt(buffer, 2, text.length)).toBe(text);
      }
    }),
  );
});
