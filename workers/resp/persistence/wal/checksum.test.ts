import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checksum } from './checksum.ts';

test('the checksum is that of zlib, for few bytes and many, wherever they lie and whatever came before', () => {
  const bytes = fc.uint8Array({ maxLength: 600, size: 'max' });
  fc.assert(
    fc.property(bytes, fc.nat({ max: 40 }), fc.nat({ max: 0xffff_ffff }), (content, skipped, from) => {
      const buffer = Buffer.from(content);
      const start = Math.min(skipped, buffer.length);
      expect(checksum(buffer, start, buffer.length, from)).toBe(crc32(buffer.subarray(start), from));
    }),
  );
});
