import { every, numbered, type PauseGroup } from './group.ts';

export const listsAndHashesPauses: readonly PauseGroup[] = [
  {
    name: 'list',
    fill: (size) => every(size, 1000, (n) => [`element:${n}`], ['RPUSH', 'list']),
    cases: [
      ['LRANGE', [['LRANGE', 'list', '0', '-1']]],
      ['LPOS', [['LPOS', 'list', 'none']]],
      ['LPOS COUNT 0', [['LPOS', 'list', 'none', 'COUNT', '0']]],
      ['LINSERT', [['LINSERT', 'list', 'AFTER', 'element:500000', 'x']]],
      ['LREM none', [['LREM', 'list', '0', 'none']]],
      ['LINDEX', [['LINDEX', 'list', '500000']]],
      ['LSET', [['LSET', 'list', '500000', 'x']]],
      ['COPY of a list', [['COPY', 'list', 'copy', 'REPLACE']]],
      [
        'LREM of all',
        [['LREM', 'same', '0', 'x']],
        { before: (size) => every(size, 1000, () => ['x'], ['RPUSH', 'same']) },
      ],
      ['LTRIM', [['LTRIM', 'copy', '100000', '-100001']], { before: [['COPY', 'list', 'copy', 'REPLACE']] }],
      ['LPOP of all', [['LPOP', 'copy', '1000000']], { before: [['COPY', 'list', 'copy', 'REPLACE']] }],
      ['RPOP of all', [['RPOP', 'copy', '1000000']], { before: [['COPY', 'list', 'copy', 'REPLACE']] }],
      [
        'LMPOP of all',
        [['LMPOP', '1', 'copy', 'LEFT', 'COUNT', '1000000']],
        { before: [['COPY', 'list', 'copy', 'REPLACE']] },
      ],
      ['SORT', [['SORT', 'list', 'ALPHA', 'LIMIT', '0', '10']]],
      ['SORT STORE', [['SORT', 'list', 'ALPHA', 'STORE', 'sorted']]],
      ['SORT BY GET', [['SORT', 'list', 'BY', 'w:*', 'GET', 'g:*']]],
      ['DUMP of a list', [['DUMP', 'list']]],
      ['MEMORY USAGE', [['MEMORY', 'USAGE', 'list', 'SAMPLES', '0']]],
      ['OBJECT ENCODING', [['OBJECT', 'ENCODING', 'list']]],
      ['DEL of a list', [['DEL', 'copy']], { before: [['COPY', 'list', 'copy', 'REPLACE']] }],
    ],
  },
  {
    name: 'hash',
    fill: (size) => every(size, 500, (n) => [`field:${n}`, `value:${n}`], ['HSET', 'hash']),
    cases: [
      ['HGETALL', [['HGETALL', 'hash']]],
      ['HKEYS', [['HKEYS', 'hash']]],
      ['HVALS', [['HVALS', 'hash']]],
      ['HSCAN COUNT', [['HSCAN', 'hash', '0', 'COUNT', '1000000']]],
      ['HRANDFIELD', [['HRANDFIELD', 'hash', '500000', 'WITHVALUES']]],
      ['HRANDFIELD repeated', [['HRANDFIELD', 'hash', '-500000', 'WITHVALUES']]],
      ['COPY of a hash', [['COPY', 'hash', 'copy', 'REPLACE']]],
      ['HMGET of arguments', [['HMGET', 'hash', ...numbered(200_000, 'field:')]]],
      [
        'HDEL of arguments',
        [['HDEL', 'copy', ...numbered(200_000, 'field:')]],
        { before: [['COPY', 'hash', 'copy', 'REPLACE']] },
      ],
      ['DUMP of a hash', [['DUMP', 'hash']]],
      ['DEL of a hash', [['DEL', 'copy']], { before: [['COPY', 'hash', 'copy', 'REPLACE']] }],
    ],
  },
];
