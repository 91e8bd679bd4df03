import { every, numbered, type PauseGroup } from './group.ts';

const MEBIBYTE = 1_048_576;
const long = (mebibytes: number): string => 'x'.repeat(mebibytes * MEBIBYTE);

/** Commands on streams, strings, the keyspace, scripts, and on what connections keep. */
export const otherPauses: readonly PauseGroup[] = [
  {
    name: 'stream',
    *fill(size) {
      const entries = size / 4;
      for (let n = 1; n <= entries; n++) yield ['XADD', 'stream', `${n}-1`, 'field', `value:${n}`];
      yield ['XGROUP', 'CREATE', 'stream', 'read', '0'];
      for (let n = 0; n < entries; n += 1000) {
        yield ['XREADGROUP', 'GROUP', 'read', `consumer`, 'COUNT', '1000', 'STREAMS', 'stream', '>'];
      }
    },
    cases: [
      ['XRANGE', [['XRANGE', 'stream', '-', '+']]],
      ['XREVRANGE', [['XREVRANGE', 'stream', '+', '-']]],
      ['XREAD', [['XREAD', 'STREAMS', 'stream', '0']]],
      [
        'XREADGROUP',
        [['XREADGROUP', 'GROUP', 'new', 'consumer', 'STREAMS', 'stream', '>']],
        {
          before: [
            ['XGROUP', 'DESTROY', 'stream', 'new'],
            ['XGROUP', 'CREATE', 'stream', 'new', '0'],
          ],
        },
      ],
      [
        'XREADGROUP NOACK',
        [['XREADGROUP', 'GROUP', 'new', 'consumer', 'NOACK', 'STREAMS', 'stream', '>']],
        {
          before: [
            ['XGROUP', 'DESTROY', 'stream', 'new'],
            ['XGROUP', 'CREATE', 'stream', 'new', '0'],
          ],
        },
      ],
      ['XREADGROUP of the history', [['XREADGROUP', 'GROUP', 'read', 'consumer', 'STREAMS', 'stream', '0']]],
      ['XPENDING', [['XPENDING', 'stream', 'read']]],
      ['XPENDING extended', [['XPENDING', 'stream', 'read', 'IDLE', '0', '-', '+', '1000000']]],
      ['XPENDING of a consumer', [['XPENDING', 'stream', 'read', '-', '+', '1000000', 'consumer']]],
      ['XAUTOCLAIM', [['XAUTOCLAIM', 'stream', 'read', 'other', '0', '0', 'COUNT', '1000000']]],
      ['XAUTOCLAIM JUSTID', [['XAUTOCLAIM', 'stream', 'read', 'consumer', '0', '0', 'COUNT', '1000000', 'JUSTID']]],
      [
        'XCLAIM of arguments',
        [['XCLAIM', 'stream', 'read', 'other', '0', ...numbered(100_000, '').map((n) => `${n}-1`)]],
      ],
      ['XINFO STREAM FULL', [['XINFO', 'STREAM', 'stream', 'FULL', 'COUNT', '0']]],
      ['XINFO STREAM', [['XINFO', 'STREAM', 'stream']]],
      [
        'XACK of arguments',
        [['XACK', 'copy', 'read', ...numbered(100_000, '').map((n) => `${n}-1`)]],
        { before: [['COPY', 'stream', 'copy', 'REPLACE']] },
      ],
      [
        'XDEL of arguments',
        [['XDEL', 'copy', ...numbered(100_000, '').map((n) => `${n}-1`)]],
        { before: [['COPY', 'stream', 'copy', 'REPLACE']] },
      ],
      ['XTRIM', [['XTRIM', 'copy', 'MAXLEN', '10']], { before: [['COPY', 'stream', 'copy', 'REPLACE']] }],
      [
        'XADD MAXLEN',
        [['XADD', 'copy', 'MAXLEN', '10', '*', 'a', 'b']],
        { before: [['COPY', 'stream', 'copy', 'REPLACE']] },
      ],
      ['XADD of arguments', [['XADD', 'wide', '*', ...numbered(200_000, 'x')]]],
      ['XGROUP DESTROY', [['XGROUP', 'DESTROY', 'copy', 'read']], { before: [['COPY', 'stream', 'copy', 'REPLACE']] }],
      [
        'XGROUP DELCONSUMER',
        [['XGROUP', 'DELCONSUMER', 'copy', 'read', 'consumer']],
        { before: [['COPY', 'stream', 'copy', 'REPLACE']] },
      ],
      [
        'XGROUP CREATE',
        [['XGROUP', 'CREATE', 'copy', 'second', '100-0']],
        { before: [['COPY', 'stream', 'copy', 'REPLACE']] },
      ],
      ['XSETID', [['XSETID', 'copy', '99999999-1']], { before: [['COPY', 'stream', 'copy', 'REPLACE']] }],
      ['COPY of a stream', [['COPY', 'stream', 'copy', 'REPLACE']]],
      ['DUMP of a stream', [['DUMP', 'stream']]],
      ['DEL of a stream', [['DEL', 'copy']], { before: [['COPY', 'stream', 'copy', 'REPLACE']] }],
    ],
  },
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
  {
    name: 'keyspace',
    *fill(size) {
      yield* every(size, 500, (n) => [`key:${n}`, `value:${n}`], ['MSET']);
    },
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
    fill: (size) => every(size, 500, (n) => [`key:${n}`, `value:${n}`], ['MSET']),
    cases: [
      [
        'FLUSHALL SYNC',
        [['FLUSHALL', 'SYNC']],
        { before: (size) => every(size, 500, (n) => [`key:${n}`, `value:${n}`], ['MSET']) },
      ],
      [
        'FLUSHALL ASYNC',
        [['FLUSHALL', 'ASYNC']],
        { before: (size) => every(size, 500, (n) => [`key:${n}`, `value:${n}`], ['MSET']) },
      ],
      [
        'FLUSHDB while tracked',
        [
          ['CLIENT', 'TRACKING', 'ON'],
          ['MGET', ...numbered(200_000, 'key:')],
          ['FLUSHDB'],
          ['CLIENT', 'TRACKING', 'OFF'],
        ],
        { before: (size) => every(size, 500, (n) => [`key:${n}`, `value:${n}`], ['MSET']) },
      ],
      [
        'DEL while tracked',
        [
          ['CLIENT', 'TRACKING', 'ON'],
          ['MGET', ...numbered(200_000, 'key:')],
          ['DEL', ...numbered(200_000, 'key:')],
          ['CLIENT', 'TRACKING', 'OFF'],
        ],
        { before: (size) => every(size, 500, (n) => [`key:${n}`, `value:${n}`], ['MSET']) },
      ],
      [
        'expiry of all',
        [['PING']],
        { before: (size) => every(size, 1, (n) => ['SET', `due:${n}`, 'x', 'PX', '20'], []) },
      ],
    ],
  },
  {
    name: 'scripts',
    *fill(size) {
      yield* every(size, 1000, (n) => [`member:${n}`], ['SADD', 'set']);
      yield* every(size, 500, (n) => [`key:${n}`, `value:${n}`], ['MSET']);
      yield* every(size, 1000, (n) => [`element:${n}`], ['RPUSH', 'list']);
    },
    cases: [
      ['EVAL #SMEMBERS', [['EVAL', "return #redis.call('SMEMBERS', 'set')", '0']]],
      ['EVAL SMEMBERS', [['EVAL', "return redis.call('SCARD', 'set') + #redis.call('SMEMBERS', 'set')", '0']]],
      ['EVAL return SMEMBERS', [['EVAL', "return redis.call('SMEMBERS', 'set')", '0']]],
      ['EVAL KEYS', [['EVAL', "local n = 0 for i = 1, 3 do n = n + #redis.call('KEYS', '*') end return n", '0']]],
      ['EVAL LPOS', [['EVAL', "return redis.call('LPOS', 'list', 'none')", '0']]],
      ['EVAL COPY', [['EVAL', "return redis.call('COPY', 'set', 'copy', 'REPLACE')", '0']]],
      [
        'EVAL resp3 SMEMBERS',
        [['EVAL', "redis.setresp(3) return redis.call('SCARD', 'set') or redis.call('SMEMBERS', 'set')", '0']],
      ],
      [
        'EVAL unpack',
        [
          [
            'EVAL',
            "local t = redis.call('LRANGE', 'list', 0, 6999) for i = 1, 50 do redis.call('SADD', 'made', unpack(t)) end",
            '0',
          ],
        ],
      ],
      ['EVAL string.rep', [['EVAL', "return #string.rep('x', 50000000)", '0']]],
      ['EVAL string.rep of long', [['EVAL', "return #string.rep(string.rep('x', 1000000), 50)", '0']]],
      [
        'EVAL table.concat',
        [['EVAL', "local t = {} for i = 1, 200000 do t[i] = 'xxxxxxxxxx' end return #table.concat(t)", '0']],
      ],
      [
        'EVAL table.sort',
        [['EVAL', 'local t = {} for i = 1, 200000 do t[i] = (i * 7919) % 200003 end table.sort(t) return t[1]', '0']],
      ],
      ['EVAL string.find', [['EVAL', "return string.find(string.rep('a', 30000), string.rep('a?', 25) .. 'b')", '0']]],
      ['EVAL string.gsub', [['EVAL', "return #(string.gsub(string.rep('abc', 1000000), 'b', 'xx'))", '0']]],
      [
        'EVAL cjson',
        [
          [
            'EVAL',
            'local t = {} for i = 1, 200000 do t[i] = i end return #cjson.encode(cjson.decode(cjson.encode(t)))',
            '0',
          ],
        ],
      ],
      [
        'EVAL cmsgpack',
        [
          [
            'EVAL',
            'local t = {} for i = 1, 200000 do t[i] = i end return #cmsgpack.pack(cmsgpack.unpack(cmsgpack.pack(t)))',
            '0',
          ],
        ],
      ],
      ['EVAL joining', [['EVAL', "local s = 'x' for i = 1, 24 do s = s .. s end return #s", '0']]],
      ['EVAL of many keys', [['EVAL', 'return #KEYS', '200000', ...numbered(200_000, 'key:')]]],
      ['EVAL of a long source', [['EVAL', `return ${Array.from({ length: 60_000 }, () => '1').join('+')}`, '0']]],
      [
        'EVAL of many statements',
        [
          [
            'EVAL',
            `${'local a = 1 do local b = a end a = 2 '.repeat(100)}\n${'x = { 1, 2, 3 } '.repeat(0)}${'do local a = { 1, 2, 3 } end '.repeat(40_000)}return 1`,
            '0',
          ],
        ],
      ],
      ['EVAL sha1hex', [['EVAL', "return redis.sha1hex(string.rep('x', 20000000))", '0']]],
      [
        'EVAL collecting',
        [['EVAL', 'for i = 1, 50 do local t = {} for j = 1, 100000 do t[j] = {} end end return 1', '0']],
      ],
      [
        'FUNCTION LOAD, large',
        [
          [
            'FUNCTION',
            'LOAD',
            'REPLACE',
            `#!lua name=large\n${Array.from({ length: 5000 }, (_, n) => `local function f${n % 150}() return ${n} end`).join('\n')}\nredis.register_function('f', function() return 1 end)`,
          ],
        ],
      ],
      [
        'FUNCTION DUMP, LIST',
        [
          ['FUNCTION', 'DUMP'],
          ['FUNCTION', 'LIST', 'WITHCODE'],
        ],
      ],
      ['SCRIPT FLUSH', [['SCRIPT', 'FLUSH']]],
    ],
  },
  {
    name: 'clients',
    fill: () => [],
    clients: {
      count: 5000,
      run: [
        ['SUBSCRIBE', 'channel'],
        ['PSUBSCRIBE', 'ch*'],
      ],
    },
    cases: [
      ['PUBLISH', [['PUBLISH', 'channel', 'message']]],
      ['PUBLISH of 100 KB', [['PUBLISH', 'channel', 'x'.repeat(100_000)]]],
      ['CLIENT LIST', [['CLIENT', 'LIST']]],
      ['CLIENT KILL none', [['CLIENT', 'KILL', 'TYPE', 'master']]],
      ['INFO', [['INFO', 'everything']]],
      [
        'PUBSUB',
        [
          ['PUBSUB', 'CHANNELS'],
          ['PUBSUB', 'NUMSUB', 'channel'],
        ],
      ],
      [
        'SUBSCRIBE to 200,000',
        [['SUBSCRIBE', ...numbered(200_000, 'channel:')], ['PUBSUB', 'CHANNELS'], ['UNSUBSCRIBE']],
      ],
      [
        'PSUBSCRIBE to 20,000',
        [['PSUBSCRIBE', ...numbered(20_000, 'pattern:*')], ['PUBLISH', 'channel', 'x'], ['PUNSUBSCRIBE']],
      ],
      ['UNSUBSCRIBE of arguments', [['UNSUBSCRIBE', ...numbered(200_000, 'channel:')]]],
    ],
  },
  {
    name: 'users',
    fill: (size) => every(size, 500, (n) => [`key:${n}`, `value:${n}`], ['MSET']),
    cases: [
      [
        'ACL SETUSER of 100,000',
        [['ACL', 'SETUSER', 'many', 'on', '>pw', '+@all', ...numbered(100_000, '~key:')]],
        { before: [['ACL', 'DELUSER', 'many']] },
      ],
      [
        'ACL LIST',
        [
          ['ACL', 'LIST'],
          ['ACL', 'GETUSER', 'many'],
        ],
      ],
      ['ACL DRYRUN', [['ACL', 'DRYRUN', 'many', 'MGET', ...numbered(1000, 'key:')]]],
      [
        'SLOWLOG, LATENCY',
        [
          ['SLOWLOG', 'GET', '-1'],
          ['LATENCY', 'HISTOGRAM'],
        ],
      ],
      [
        'CONFIG SET',
        [
          ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'],
          ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction'],
        ],
      ],
      [
        'eviction',
        [
          ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'],
          ['CONFIG', 'SET', 'maxmemory', '20mb'],
          ['SET', 'a', 'b'],
          ['SET', 'a', 'c'],
          ['CONFIG', 'SET', 'maxmemory', '0'],
        ],
      ],
      ['BGSAVE', [['BGSAVE']]],
    ],
  },
];
