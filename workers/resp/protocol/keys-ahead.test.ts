import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashOf } from '../keyspace/key-hash.ts';
import { keysAhead } from './keys-ahead.ts';
import { writeRequest } from './request.ts';

const byteStrings = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});
const requests = fc.array(fc.array(byteStrings, { minLength: 2, maxLength: 5 }), { maxLength: 20 });

test('keys ahead have the hashes that they have as strings, and what has not come whole is left out', () => {
  fc.assert(
    fc.property(requests, fc.nat({ max: 60 }), (all, missing) => {
      const whole = all.map((args) => writeRequest(args)).join('');
      const length = Math.max(0, whole.length - missing);
      const bytes = Buffer.from(`${whole.slice(0, length)}*2\r\n$4\r\nrest of what was read before`, 'latin1');
      const hashes = new Int32Array(16);
      const count = keysAhead(bytes, 0, length, hashes);
      let at = 0;
      const expected = all
        .filter((args) => (at += writeRequest(args).length) <= length)
        .map((args) => hashOf(args[1]!));
      expect([...hashes.subarray(0, count)]).toEqual(expected.slice(0, 16));
    }),
  );
});

test('anything may come instead of requests', () => {
  const pieces = fc.constantFrom(
    '*',
    '$',
    '\r\n',
    '2',
    '-1',
    '99999999999999999999',
    'GET',
    '*2\r\n$3\r\nGET\r\n$1\r\nk\r\n',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (all) => {
      const bytes = Buffer.from(all.join(''), 'latin1');
      expect(keysAhead(bytes, 0, bytes.length, new Int32Array(4))).toBeLessThanOrEqual(4);
    }),
  );
});
