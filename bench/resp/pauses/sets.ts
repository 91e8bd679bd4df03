import { copyOf, every, numbered, type PauseGroup } from './group.ts';

export const setsPauses: readonly PauseGroup[] = [
  {
    name: 'set',
    fill: function* (size) {
      yield* every(size, 1000, (n) => [`member:${n}`], ['SADD', 'set']);
      yield* every(size, 1000, (n) => [`member:${n + size / 2}`], ['SADD', 'other']);
      yield* every(size, 1000, (n) => [String(n * 7)], ['SADD', 'numbers']);
    },
    cases: [
      ['SMEMBERS', [['SMEMBERS', 'set']]],
      ['SINTER', [['SINTER', 'set', 'other']]],
      ['SUNION', [['SUNION', 'set', 'other']]],
      ['SDIFF', [['SDIFF', 'set', 'other']]],
      ['SINTERSTORE', [['SINTERSTORE', 'made', 'set', 'other']]],
      ['SUNIONSTORE', [['SUNIONSTORE', 'made', 'set', 'other']]],
      ['SDIFFSTORE', [['SDIFFSTORE', 'made', 'set', 'other']]],
      ['SINTERCARD', [['SINTERCARD', '2', 'set', 'other']]],
      ['SRANDMEMBER', [['SRANDMEMBER', 'set', '500000']]],
      ['SRANDMEMBER repeated', [['SRANDMEMBER', 'set', '-500000']]],
      ['SSCAN COUNT', [['SSCAN', 'set', '0', 'COUNT', '1000000']]],
      ['COPY of a set', [['COPY', 'set', 'copy', 'REPLACE']]],
      ['SPOP of most', [['SPOP', 'copy', '800000']], copyOf('set')],
      ['SPOP of some', [['SPOP', 'copy', '200000']], copyOf('set')],
      [
        'RENAME over a set',
        [['RENAME', 'a', 'copy']],
        {
          before: [
            ['COPY', 'set', 'copy', 'REPLACE'],
            ['SET', 'a', 'b'],
          ],
        },
      ],
      ['SET over a set', [['SET', 'copy', 'b']], copyOf('set')],
      ['SORT of a set', [['SORT', 'numbers']]],
      ['SORT BY nosort of a set', [['SORT', 'numbers', 'BY', 'nosort']]],
      ['DUMP of a set', [['DUMP', 'set']]],
      ['MEMORY USAGE', [['MEMORY', 'USAGE', 'set', 'SAMPLES', '0']]],
      ['SREM of arguments', [['SREM', 'copy', ...numbered(200_000, 'member:')]], copyOf('set')],
      ['SMISMEMBER of arguments', [['SMISMEMBER', 'set', ...numbered(200_000, 'member:')]]],
      ['ZUNIONSTORE of sets', [['ZUNIONSTORE', 'zmade', '2', 'set', 'other']]],
      ['PFADD', [['PFADD', 'hll', ...numbered(200_000, 'member:')]]],
    ],
  },
];
