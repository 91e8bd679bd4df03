import { numbered, type PauseGroup } from './group.ts';

const MEBIBYTE = 1_048_576;
const long = (mebibytes: number): string => 'x'.repeat(mebibytes * MEBIBYTE);

export const stringsPauses: readonly PauseGroup[] = [
  {
    name: 'string',
    *fill() {
      yield ['SET', '8M', long(8)];
      yield ['SET', '128M', long(128)];
      yield ['SET', '8M-other', 'y'.repeat(8 * MEBIBYTE)];
      for (let n = 0; n < 2000; n++) yield ['PFADD', `hll:${n}`, ...numbered(30, `${n}:`)];
    },
    cases: [
      ['GET of 8 MiB', [['GET', '8M']]],
      ['GET of 128 MiB', [['GET', '128M']]],
      ['SET of 8 MiB', [['SET', 'made', long(8)]]],
      ['SET of 8 MiB, ten times', Array.from({ length: 10 }, () => ['SET', 'made', long(8)])],
      ['SET of 64 MiB', [['SET', 'made', long(64)]]],
      ['GETSET of 8 MiB', [['GETSET', '8M', long(8)]]],
      ['APPEND to 128 MiB', [['APPEND', '128M', 'x']]],
      [
        'APPEND and GETRANGE',
        [
          ['APPEND', '128M', 'x'],
          ['GETRANGE', '128M', '100', '110'],
        ],
      ],
      ['SETRANGE in 128 MiB', [['SETRANGE', '128M', '1000', 'abc']]],
      ['SETRANGE growing to 512 MB', [['SETRANGE', 'grown', '536870000', 'x']], { before: [['DEL', 'grown']] }],
      ['SETBIT in 128 MiB', [['SETBIT', '128M', '1000', '1']]],
      ['GETRANGE of 8 MiB', [['GETRANGE', '8M', '0', '-1']]],
      ['GETRANGE of 100 MiB', [['GETRANGE', '128M', '10', '104857600']]],
      ['BITCOUNT', [['BITCOUNT', '128M']]],
      ['BITPOS', [['BITPOS', 'zeros', '1']], { before: [['SETRANGE', 'zeros', '100000000', '\0']] }],
      ['BITPOS in ones', [['BITPOS', 'ones', '0']], { before: [['SET', 'ones', '\u00FF'.repeat(8 * MEBIBYTE)]] }],
      ['BITOP', [['BITOP', 'XOR', 'made', '8M', '8M-other']]],
      ['BITOP NOT of 128 MiB', [['BITOP', 'NOT', 'made', '128M']]],
      ['BITFIELD', [['BITFIELD', '128M', 'SET', 'u8', '#1000', '77', 'GET', 'u8', '#2000']]],
      [
        'LCS',
        [['LCS', 'a', 'b']],
        {
          before: [
            ['SET', 'a', 'xy'.repeat(7000)],
            ['SET', 'b', 'yxx'.repeat(5000)],
          ],
        },
      ],
      ['STRLEN', [['STRLEN', '128M']]],
      ['COPY of 128 MiB', [['COPY', '128M', 'made', 'REPLACE']]],
      ['DUMP of 8 MiB', [['DUMP', '8M']]],
      ['DUMP of 128 MiB', [['DUMP', '128M']]],
      ['PFCOUNT', [['PFCOUNT', ...numbered(2000, 'hll:')]]],
      ['PFMERGE', [['PFMERGE', 'made', ...numbered(2000, 'hll:')]]],
      ['DEL of 128 MiB', [['DEL', 'made']], { before: [['COPY', '128M', 'made', 'REPLACE']] }],
      ['INCR of a large text', [['INCR', '8M-other'], ['PING']]],
      ['EVAL GET of 8 MiB', [['EVAL', "return #redis.call('GET', '8M')", '0']]],
      [
        'EVAL SET of 8 MiB',
        [['EVAL', "local s = string.rep('x', 8388608) redis.call('SET', 'made', s) return #s", '0']],
      ],
    ],
  },
];
