import { every, keys, numbered, type PauseGroup } from './group.ts';

export const keyspacePauses: readonly PauseGroup[] = [
  {
    name: 'keyspace',
    fill: keys,
    cases: [
      ['KEYS', [['KEYS', '*']]],
      ['SCAN COUNT', [['SCAN', '0', 'COUNT', '1000000']]],
      ['SCAN MATCH TYPE', [['SCAN', '0', 'MATCH', '*9', 'TYPE', 'string', 'COUNT', '1000000']]],
      ['DBSIZE, RANDOMKEY', [['DBSIZE'], ['RANDOMKEY']]],
      ['MGET of arguments', [['MGET', ...numbered(200_000, 'key:')]]],
      ['MSET of arguments', [['MSET', ...numbered(200_000, 'new:')]]],
      [
        'MSETNX of arguments',
        [['MSETNX', ...numbered(200_000, 'nx:')]],
        { before: [['DEL', ...numbered(200_000, 'nx:')]] },
      ],
      ['EXISTS of arguments', [['EXISTS', ...numbered(200_000, 'key:')]]],
      ['TOUCH of arguments', [['TOUCH', ...numbered(200_000, 'key:')]]],
      [
        'DEL of arguments',
        [['DEL', ...numbered(200_000, 'del:')]],
        { before: [['MSET', ...numbered(200_000, 'del:')]] },
      ],
      ['WATCH, UNWATCH', [['WATCH', ...numbered(200_000, 'key:')], ['UNWATCH']]],
      ['WATCH, EXEC', [['WATCH', ...numbered(200_000, 'key:')], ['MULTI'], ['EXEC']]],
      ['EXEC of 100,000', [['MULTI'], ...numbered(100_000, 'exec:').map((key) => ['SET', key, 'x']), ['EXEC']]],
      ['EXEC of long ones', [['MULTI'], ['KEYS', '*'], ['SCAN', '0', 'COUNT', '1000000'], ['EXEC']]],
      [
        'a reply nobody wants',
        [
          ['CLIENT', 'REPLY', 'SKIP'],
          ['KEYS', '*'],
        ],
      ],
      [
        'SWAPDB',
        [
          ['SWAPDB', '0', '1'],
          ['SWAPDB', '0', '1'],
        ],
      ],
      [
        'MOVE',
        [
          ['MOVE', 'key:1', '1'],
          ['SELECT', '1'],
          ['MOVE', 'key:1', '0'],
          ['SELECT', '0'],
        ],
      ],
      ['INFO', [['INFO', 'everything']]],
      ['MEMORY STATS', [['MEMORY', 'STATS']]],
      ['CONFIG GET', [['CONFIG', 'GET', '*']]],
      ['COMMAND', [['COMMAND']]],
      ['COMMAND DOCS', [['COMMAND', 'DOCS']]],
      [
        'tracked reads',
        [
          ['CLIENT', 'TRACKING', 'ON'],
          ['MGET', ...numbered(200_000, 'key:')],
          ['CLIENT', 'TRACKING', 'OFF'],
        ],
      ],
      ['EXPIRE of all', Array.from({ length: 1000 }, (_, n) => ['PEXPIRE', `key:${n}`, '100000'])],
    ],
  },
  {
    name: 'flush',
    fill: keys,
    cases: [
      ['FLUSHALL SYNC', [['FLUSHALL', 'SYNC']], { before: keys }],
      ['FLUSHALL ASYNC', [['FLUSHALL', 'ASYNC']], { before: keys }],
      [
        'FLUSHDB while tracked',
        [
          ['CLIENT', 'TRACKING', 'ON'],
          ['MGET', ...numbered(200_000, 'key:')],
          ['FLUSHDB'],
          ['CLIENT', 'TRACKING', 'OFF'],
        ],
        { before: keys },
      ],
      [
        'DEL while tracked',
        [
          ['CLIENT', 'TRACKING', 'ON'],
          ['MGET', ...numbered(200_000, 'key:')],
          ['DEL', ...numbered(200_000, 'key:')],
          ['CLIENT', 'TRACKING', 'OFF'],
        ],
        { before: keys },
      ],
      [
        'expiry of all',
        [['PING']],
        { before: (size) => every(size, 1, (n) => ['SET', `due:${n}`, 'x', 'PX', '20'], []) },
      ],
    ],
  },
];
