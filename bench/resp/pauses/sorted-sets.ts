import { copyOf, every, numbered, type PauseGroup } from './group.ts';

export const sortedSetsPauses: readonly PauseGroup[] = [
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
      ['ZPOPMIN of all', [['ZPOPMIN', 'copy', '1000000']], copyOf('zset')],
      ['ZMPOP of all', [['ZMPOP', '1', 'copy', 'MAX', 'COUNT', '1000000']], copyOf('zset')],
      ['ZREMRANGEBYRANK', [['ZREMRANGEBYRANK', 'copy', '0', '-1']], copyOf('zset')],
      ['ZREMRANGEBYSCORE', [['ZREMRANGEBYSCORE', 'copy', '-inf', '+inf']], copyOf('zset')],
      ['ZMSCORE of arguments', [['ZMSCORE', 'zset', ...numbered(200_000, 'member:')]]],
      ['SORT of a zset', [['SORT', 'zset', 'ALPHA', 'LIMIT', '0', '1']]],
      ['DUMP of a zset', [['DUMP', 'zset']]],
      ['DEL of a zset', [['DEL', 'copy']], copyOf('zset')],
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
