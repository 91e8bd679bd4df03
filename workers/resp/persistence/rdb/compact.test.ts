import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { rdbCodec } from '../codec.ts';
import { byteString, plain } from '../testing/keyspaces.ts';
import { payload, ziplist } from '../testing/old-payloads.ts';
import { readIntset, readListpack, readZiplist, readZipmap } from './compact.ts';
import { TYPE } from './format.ts';
import type { RdbOutput } from './output.ts';

const integer = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(
    0n,
    12n,
    13n,
    -1n,
    127n,
    -128n,
    128n,
    32_767n,
    -32_769n,
    8_388_607n,
    -8_388_609n,
    2n ** 31n - 1n,
    2n ** 31n,
  ),
);

describe('old encodings', () => {
  test('ziplists of strings and integers of all sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(byteString, integer), { maxLength: 30 }), (elements) => {
        expect(readZiplist(ziplist(elements))).toEqual(elements.map(String));
      }),
    );
  });

  test('values made of ziplists, quicklists, zipmaps and old sorted sets', () => {
    const blob = (bytes: Buffer) => (out: RdbOutput) => out.string(bytes.toString('latin1'));
    const read = (type: number, write: (out: RdbOutput) => void, version?: number) =>
      plain(rdbCodec.deserializeValue(payload(type, write, version))!);
    expect(read(TYPE.listZiplist, blob(ziplist(['a', 5n])))).toEqual({ list: ['a', '5'] });
    expect(read(TYPE.hashZiplist, blob(ziplist(['f', 5n])))).toEqual({ hash: ['f,5'] });
    expect(read(TYPE.zsetZiplist, blob(ziplist(['m', '1.5', 'n', 'inf'])))).toEqual({ zset: [['m', 1.5], ['n', Infinity]] }); // prettier-ignore
    const quicklist = (out: RdbOutput): void => {
      out.size(2);
      blob(ziplist(['a', 1n]))(out);
      blob(ziplist(['b']))(out);
    };
    expect(read(TYPE.listQuicklist, quicklist, 7)).toEqual({ list: ['a', '1', 'b'] });
    const zipmap = Buffer.from('\x02\x01a\x02\x00xy\x01b\x01\x03z...\xff', 'latin1');
    expect(read(TYPE.hashZipmap, blob(zipmap), 2)).toEqual({ hash: ['a,xy', 'b,z'] });
    const oldScores = (out: RdbOutput): void => {
      out.size(3);
      out.string('half');
      out.byte(3);
      out.raw('0.5');
      out.string('most');
      out.byte(254);
      out.string('least');
      out.byte(255);
    };
    expect(read(TYPE.zset, oldScores)).toEqual({ zset: [['least', -Infinity], ['half', 0.5], ['most', Infinity]] }); // prettier-ignore
    expect(
      rdbCodec.deserializeValue(payload(TYPE.zset, (out) => (out.size(1), out.string('nan'), out.byte(253)))),
    ).toBeUndefined();
  });

  test('a set as a listpack, as version 11 has it', () => {
    const listpack = Buffer.from('\x0e\x00\x00\x00\x03\x00\x05\x01\x81a\x02\x7f\x01\xff', 'latin1');
    expect(
      plain(
        rdbCodec.deserializeValue(payload(TYPE.setListpack, (out) => out.string(listpack.toString('latin1')), 11))!,
      ),
    ).toEqual({ set: ['127', '5', 'a'] });
    expect(rdbCodec.deserializeValue(payload(TYPE.string, (out) => out.string('x'), 13))).toBeUndefined();
  });
});

test('bytes that are no compact encoding are refused, whatever they are', () => {
  const readers = [readListpack, readZiplist, readIntset, readZipmap];
  const valid = [
    ziplist(['abc', 5n, 'x'.repeat(100)]),
    Buffer.from('\x0e\x00\x00\x00\x03\x00\x05\x01\x81a\x02\x7f\x01\xff', 'latin1'),
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...readers),
      fc.constantFrom(...valid, undefined),
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(),
      (reader, seed, random, at) => {
        const bytes = Buffer.from(seed ?? random);
        if (seed !== undefined)
          for (const [i, byte] of random.slice(0, 3).entries()) bytes[(at + i * 7) % bytes.length] = byte;
        const elements = reader(bytes);
        if (elements !== undefined) expect(elements.every((element) => element.length <= bytes.length + 20)).toBe(true);
      },
    ),
    { numRuns: 5000 },
  );
});
