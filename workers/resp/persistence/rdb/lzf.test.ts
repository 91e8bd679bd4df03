import fc from 'fast-check';
import { expect, test } from 'vitest';

import { seeded } from '../../conformance/generate.ts';
import { compressLzf, compressLzfSliced, decompressLzf } from './lzf.ts';

function packed(bytes: Buffer): Buffer | undefined {
  const out = Buffer.alloc(bytes.length);
  const size = compressLzf(bytes, bytes.length, out);
  expect(size).toBeLessThanOrEqual(Math.max(0, bytes.length - 4));
  return size === 0 ? undefined : out.subarray(0, size);
}

function sliced(bytes: Buffer): Buffer | undefined {
  const out = Buffer.alloc(bytes.length);
  const steps = compressLzfSliced(bytes, out);
  for (;;) {
    const step = steps.next();
    // What others compress meanwhile must not confuse it.
    compressLzf(bytes, Math.min(1000, bytes.length), Buffer.alloc(1000));
    if (step.done === true) return step.value === 0 ? undefined : out.subarray(0, step.value);
  }
}

/** Pieces that come again, at all distances and lengths, among bytes that do not. */
const texts = fc
  .array(fc.tuple(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(60)), { maxLength: 30 })
  .map((parts) => Buffer.from(parts.map(([text, times]) => text.repeat(times)).join(''), 'latin1'));

test('what was compressed is the same again', () => {
  fc.assert(
    fc.property(texts, (bytes) => {
      for (const found of [packed(bytes), sliced(bytes)]) {
        if (found !== undefined) expect(decompressLzf(found, bytes.length)).toBe(bytes.toString('latin1'));
      }
    }),
    { numRuns: 500 },
  );
});

test('text becomes small, noise is left as it is', () => {
  const json = Buffer.from(
    JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ id: i, name: `user ${i}`, active: true }))),
  );
  expect(packed(json)!.length).toBeLessThan(json.length / 2);
  const random = seeded(5);
  const noise = Buffer.from(Array.from({ length: 1000 }, () => random() * 256));
  expect(packed(noise)).toBeUndefined();
  for (const length of [1, 20, 21, 300, 70_000, 200_000]) {
    const found = sliced(Buffer.alloc(length, 'a'));
    if (length > 20) expect(decompressLzf(found!, length)).toBe('a'.repeat(length));
  }
});
