import { every, numbered, type PauseGroup } from './group.ts';

/** Commands on lists, sets, hashes and sorted sets of a million members. */
export const collectionPauses: readonly PauseGroup[] = [
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
      ['SPOP of most', [['SPOP', 'copy', '800000']], { before: [['COPY', 'set', 'copy', 'REPLACE']] }],
      ['SPOP of some', [['SPOP', 'copy', '200000']], { before: [['COPY', 'set', 'copy', 'REPLACE']] }],
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
      ['SET over a set', [['SET', 'copy', 'b']], { before: [['COPY', 'set', 'copy', 'REPLACE']] }],
      ['SORT of a set', [['SORT', 'numbers']]],
      ['SORT BY nosort of a set', [['SORT', 'numbers', 'BY', 'nosort']]],
      ['DUMP of a set', [['DUMP', 'set']]],
      ['MEMORY USAGE', [['MEMORY', 'USAGE', 'set', 'SAMPLES', '0']]],
      [
        'SREM of arguments',
        [['SREM', 'copy', ...numbered(200_000, 'member:')]],
        { before: [['COPY', 'set', 'copy', 'REPLACE']] },
      ],
      ['SMISMEMBER of arguments', [['SMISMEMBER', 'set', ...numbered(200_000, 'member:')]]],
      ['ZUNIONSTORE of sets', [['ZUNIONSTORE', 'zmade', '2', 'set', 'other']]],
      ['PFADD', [['PFADD', 'hll', ...numbered(200_000, 'member:')]]],
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
  {
    name: 'zset',
    fill: function* (size) {
      yield* every(size, 500, (n) => [String((n * 7919) % size), `member:${n}`], ['ZADD', 'zset']);
      yield* every(size, 500, (n) => [String(n), `member:${n + size / 2}`], ['ZADD', 'other']);
    },
    cases: [
      ['ZRANGE', [['ZRANGE', 'zset', '0', '-1', 'WITHSCORES']]],
      ['ZRANGE BYSCORE', [['ZRANGE', 'zset', '-inf', '+inf', 'BYSCORE']]],
      ['ZRANGE BYSCORE LIMIT far', [['ZRANGE', 'zset', '-inf', '+inf', 'BYSCORE', 'LIMIT', '900000', '10']]],
      ['ZREVRANGE', [['ZREVRANGE', 'zset', '0', '-1']]],
      ['ZRANGESTORE', [['ZRANGESTORE', 'made', 'zset', '0', '-1']]],
      ['ZUNION', [['ZUNION', '2', 'zset', 'other']]],
      ['ZINTER', [['ZINTER', '2', 'zset', 'other']]],
      ['ZDIFF', [['ZDIFF', '2', 'zset', 'other']]],
      ['ZUNIONSTORE', [['ZUNIONSTORE', 'made', '2', 'zset', 'other']]],
      ['ZINTERSTORE', [['ZINTERSTORE', 'made', '2', 'zset', 'other']]],
      ['ZDIFFSTORE', [['ZDIFFSTORE', 'made', '2', 'zset', 'other']]],
      ['ZINTERCARD', [['ZINTERCARD', '2', 'zset', 'other']]],
      ['ZRANDMEMBER', [['ZRANDMEMBER', 'zset', '500000']]],
      ['ZRANDMEMBER repeated', [['ZRANDMEMBER', 'zset', '-500000']]],
      ['ZSCAN COUNT', [['ZSCAN', 'zset', '0', 'COUNT', '1000000']]],
      ['ZCOUNT', [['ZCOUNT', 'zset', '-inf', '+inf']]],
      ['ZLEXCOUNT', [['ZLEXCOUNT', 'zset', '-', '+']]],
      ['COPY of a zset', [['COPY', 'zset', 'copy', 'REPLACE']]],
      ['ZPOPMIN of all', [['ZPOPMIN', 'copy', '1000000']], { before: [['COPY', 'zset', 'copy', 'REPLACE']] }],
      [
        'ZMPOP of all',
        [['ZMPOP', '1', 'copy', 'MAX', 'COUNT', '1000000']],
        { before: [['COPY', 'zset', 'copy', 'REPLACE']] },
      ],
      ['ZREMRANGEBYRANK', [['ZREMRANGEBYRANK', 'copy', '0', '-1']], { before: [['COPY', 'zset', 'copy', 'REPLACE']] }],
      [
        'ZREMRANGEBYSCORE',
        [['ZREMRANGEBYSCORE', 'copy', '-inf', '+inf']],
        { before: [['COPY', 'zset', 'copy', 'REPLACE']] },
      ],
      ['ZMSCORE of arguments', [['ZMSCORE', 'zset', ...numbered(200_000, 'member:')]]],
      ['SORT of a zset', [['SORT', 'zset', 'ALPHA', 'LIMIT', '0', '1']]],
      ['DUMP of a zset', [['DUMP', 'zset']]],
      ['DEL of a zset', [['DEL', 'copy']], { before: [['COPY', 'zset', 'copy', 'REPLACE']] }],
    ],
  },
  {
    name: 'geo',
    fill: (size) =>
      every(size / 4, 200, (n) => [String((n % 3600) / 20 - 90), String((n % 1700) / 20 - 42), `place:${n}`], [
        'GEOADD',
        'geo',
      ]),
    cases: [
      ['GEOSEARCH', [['GEOSEARCH', 'geo', 'FROMLONLAT', '0', '0', 'BYRADIUS', '20000', 'km', 'ASC', 'WITHDIST']]],
      [
        'GEOSEARCH COUNT',
        [['GEOSEARCH', 'geo', 'FROMLONLAT', '0', '0', 'BYBOX', '20000', '20000', 'km', 'COUNT', '10']],
      ],
      ['GEOSEARCHSTORE', [['GEOSEARCHSTORE', 'made', 'geo', 'FROMLONLAT', '0', '0', 'BYRADIUS', '20000', 'km']]],
      ['GEORADIUS', [['GEORADIUS', 'geo', '0', '0', '20000', 'km', 'STORE', 'made']]],
      ['GEOPOS of arguments', [['GEOPOS', 'geo', ...numbered(100_000, 'place:')]]],
      ['GEOHASH of arguments', [['GEOHASH', 'geo', ...numbered(100_000, 'place:')]]],
    ],
  },
];
