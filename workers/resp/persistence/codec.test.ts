import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { rdbCodec } from './codec.ts';
import { plain, value } from './testing/keyspaces.ts';

test('DUMP payloads give back the value', () => {
  fc.assert(
    fc.property(value, (original) => {
      const restored = rdbCodec.deserializeValue(rdbCodec.serializeValue(original));
      expect(plain(restored!)).toEqual(plain(original));
    }),
  );
});

test("Redis's own payload of a string is read and written alike", () => {
  const payload = Buffer.from('00c00a0a00', 'hex').toString('latin1');
  expect(rdbCodec.serializeValue('10').slice(0, 5)).toBe(payload);
});

test('a payload that is damaged, cut or of an unknown version is refused', () => {
  fc.assert(
    fc.property(value, fc.nat(), fc.nat(7), (original, at, bit) => {
      const payload = Buffer.from(rdbCodec.serializeValue(original), 'latin1');
      const cut = payload.subarray(0, at % payload.length).toString('latin1');
      expect(rdbCodec.deserializeValue(cut)).toBeUndefined();
      payload[at % payload.length]! ^= 1 << bit;
      expect(rdbCodec.deserializeValue(payload.toString('latin1'))).toBeUndefined();
    }),
  );
});
