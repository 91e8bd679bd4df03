import { every, keys, numbered, type PauseGroup } from './group.ts';

export const scriptsPauses: readonly PauseGroup[] = [
  {
    name: 'scripts',
    *fill(size) {
      yield* every(size, 1000, (n) => [`member:${n}`], ['SADD', 'set']);
      yield* keys(size);
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
      ['EVAL string.rep', [['EVAL', "return #string.rep('x', 10000000)", '0']]],
      ['EVAL string.rep of long', [['EVAL', "return #string.rep(string.rep('x', 1000000), 10)", '0']]],
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
            `${'local a = 1 do local b = a end a = 2 '.repeat(100)}\n${'do local a = { 1, 2, 3 } end '.repeat(8000)}return 1`,
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
            `#!lua name=large\n${Array.from({ length: 5000 }, (_, n) => `do local function f() return ${n} end end`).join('\n')}\nredis.register_function('f', function() return 1 end)`,
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
];
