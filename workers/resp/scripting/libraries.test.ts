import { expect, test } from 'vitest';
import { besideReference } from '#test/tools/beside-redis.ts';

const beside = besideReference();

/** Expressions of each library; the results and the errors must be a real redis-server's, byte for byte. */
const expressions: Readonly<Record<string, readonly string[]>> = {
  cjson: [
    'cjson.encode({1, 2, {a = 1.5}, "x/\\"\\\\\\n\\0\\127", cjson.null, true})',
    'cjson.encode({[1] = 1, [2] = 2, [4] = 4})',
    'cjson.encode({[1] = 1, [100] = 2})',
    'cjson.encode({[1.5] = 1})',
    'cjson.encode({[true] = 1})',
    'cjson.encode({})',
    'cjson.encode(1/0)',
    'cjson.encode(function() end)',
    '{cjson.encode(0.1), cjson.encode(1e20), cjson.encode(123456789012345678), cjson.encode(-0.00001), cjson.encode(1e-7)}',
    '(function() local t = {} for i = 1, 1100 do t = {t} end return cjson.encode(t) end)()',
    'cjson.decode(("["):rep(1100))',
    'cjson.decode("[1,2,{\\"a\\":[1e3,\\"\\\\u00e9\\\\ud83d\\\\ude00\\"]}]")[3].a[2]',
    'cjson.decode("\\"\\\\ud83d\\"")',
    'cjson.decode("[1,2")',
    'cjson.decode("[1,]")',
    'cjson.decode("{\\"a\\" 1}")',
    'cjson.decode("{\\"a\\":1,}")',
    'cjson.decode("{1:2}")',
    'cjson.decode("nope")',
    'cjson.decode("")',
    'cjson.decode("1 2")',
    'cjson.decode("\\"abc")',
    'cjson.decode("\\"\\\\x\\"")',
    'cjson.decode("0x10")',
    'tostring(cjson.decode("-inf"))',
    'cjson.decode("[01, 1.5e2, -3]")',
    'cjson.decode("null") == cjson.null',
    'cjson.decode({})',
    'cjson.decode()',
  ],
  cmsgpack: [
    'cmsgpack.pack({1, 2, {a = 1.5}, -1, -32, -33, -129, -40000, 127, 128, 300, 70000, 5e9, -5e9, 0.1, 2^53, true, false})',
    'cmsgpack.pack(1, "a", nil, {})',
    'cmsgpack.pack(("x"):rep(31), ("x"):rep(32), ("x"):rep(300), ("x"):rep(70000))',
    'cmsgpack.pack({1, 2, nil, 4})',
    'cmsgpack.pack()',
    'cmsgpack.pack(function() end)',
    '(function() local t = {} for i = 1, 20 do t = {t} end return cmsgpack.pack(t) end)()',
    '{cmsgpack.unpack(cmsgpack.pack(1, "a", {1, 2, {3}}, -5, 1.5, 70000, -70000))}',
    '{cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3))}',
    '{cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3), 2)}',
    '{cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2)}',
    '{cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2, 9)}',
    'cmsgpack.unpack("\\146")',
    'cmsgpack.unpack("\\193")',
    'cmsgpack.unpack(cmsgpack.pack({x = "y"})).x',
    '{cmsgpack.unpack("")}',
    'cmsgpack.unpack({})',
  ],
  struct: [
    'struct.pack(">IhBc3s", 1, 2, 3, "abc", "zz")',
    'struct.pack("<i8I3hb", -2, 70000, -5, 255)',
    'struct.pack("!4 b i4 !8 d", 1, 2, 3.5)',
    'struct.pack(">fd", 1.5, -2.25)',
    'struct.pack("c0c2", "abc", "xyz")',
    'struct.pack("c5", "abc")',
    'struct.pack("i40", 1)',
    'struct.pack("y", 1)',
    'struct.pack("i", "x")',
    '{struct.unpack("<I4h", struct.pack("<I4h", 70000, -5))}',
    '{struct.unpack(">Bc0s", "\\3abcdef\\0")}',
    '{struct.unpack("c0", "abc")}',
    '{struct.unpack("s", "abc")}',
    '{struct.unpack("i4", "abc")}',
    '{struct.unpack("b", "abc", 3)}',
    '{struct.unpack("b", "abc", 0)}',
    '{struct.unpack("b", "abc", -1)}',
    'struct.pack("!3i4", 1)',
    'struct.size("!8bIl")',
    'struct.size("bhilTfd")',
  ],
  bit: [
    '{bit.band(0xff, 0x0f), bit.bor(1, 2), bit.bxor(3, 1), bit.bnot(0), bit.tobit(2^32 + 1), bit.tobit(0.5), bit.tobit(1.5)}',
    '{bit.lshift(1, 31), bit.rshift(-1, 28), bit.arshift(-8, 1), bit.rol(1, 33), bit.ror(1, 1), bit.bswap(1), bit.lshift(1, 32)}',
    '{bit.tohex(255), bit.tohex(-1, 4), bit.tohex(255, -4), bit.tohex(1, 20)}',
    'bit.band("x")',
    'bit.band()',
    '{bit.band("7", 3)}',
  ],
  'what is larger than 32 bits': [
    ...[
      '%d',
      '%i',
      '%u',
      '%x',
      '%X',
      '%o',
      '%5d',
      '%+d',
      '% d',
      '%-20d|',
      '%020d',
      '%.15d',
      '%#x',
      '%#o',
      '%20.15d',
    ].map(
      (form) =>
        `(function() local t = {} for _, n in ipairs { 2^31, 2^32, 2^40, -2^40, 2^53, 2^62, -2^63, 1795284969623.9, -1, 7, "1795284969623" } do t[#t + 1] = string.format("${form}", n) end return t end)()`,
    ),
    'string.format("%s %d%% %5.1f %d %q", "a", 2^40, 1.25, 3, "b")',
    'string.format("%d", 2^64)',
    'string.format("%d", 0/0)',
    '(string.format("%d"))',
    '(string.format("%d", "x"))',
    '(string.format("%y", 2^40))',
    '(string.format("%123d", 2^40))',
    '(string.format({}))',
    '{("abcdef"):sub(2, 2^40), ("abcdef"):sub(-2^40, 2), ("abcdef"):sub(2^31), ("abcdef"):sub("2", "3"), ("abcdef"):sub(-2)}',
    '(string.sub("abc", {}))',
    '{tostring(tonumber("fffffffff", 16)), tostring(tonumber("0xFFFFFFFFFF", 16)), tostring(tonumber("zzzzzzz", 36)), tostring(tonumber(" -1", 16))}',
    '{tonumber("ffffffff", 16), tonumber("8", 8) == nil, tonumber("12", 10), tonumber("z", 36), tonumber(nil) == nil}',
    '(tonumber("1", 99))',
    '(tonumber({}, 16))',
  ],
  'what a tail call refuses': [
    ...[
      "string.format('%d', 'x')",
      "string.format('%d')",
      'string.sub({}, 1)',
      'tonumber({}, 16)',
      "('%d'):format('y')",
      "('x'):sub({})",
      'table.insert(1, 2)',
      'table.insert({})',
      'table.insert({}, 1, 2, 3)',
      'next()',
      "next({}, 'x')",
      'pairs(nil)',
      'rawget(1, 1)',
      'rawset({}, 1)',
      'rawset({}, nil, 1)',
      'setmetatable({}, 1)',
      'setmetatable(setmetatable({}, { __metatable = 1 }), {})',
      'loadstring()',
      'load(1)',
    ].flatMap((call) => [
      call,
      `(${call})`,
      `(function() local function f() return ${call} end return (f()) end)()`,
      `select(2, pcall(function() return ${call} end))`,
    ]),
    'tostring(pcall())',
    'pcall(pcall)',
  ],
  'tables that nobody may change': [
    '(rawset(_G, "x", 1))',
    '(setmetatable(string, {}))',
    '(table.insert(redis, 1))',
    '(function() string.x = 1 end)()',
  ],
};

for (const [library, list] of Object.entries(expressions)) {
  test(`${library} answers as a real redis-server's`, async () => {
    const requests = list.map((expression) => ['EVAL', `return ${expression}`, '0']);
    const [left, right] = await Promise.all([beside.ours.batch(requests), beside.theirs.batch(requests)]);
    for (const [i, expression] of list.entries()) expect.soft(left[i], expression).toBe(right[i]);
  });
}

test('bytecode is no script', async () => {
  const unexpected = "unexpected symbol near 'char(27)'";
  for (const request of [
    ['EVAL', '\x1bLuaQ\0', '0'],
    ['EVAL', '#!lua\n\x1bLuaQ\0', '0'],
    ['FUNCTION', 'LOAD', '#!lua name=bytes\n\x1bLuaQ\0'],
    ['SCRIPT', 'LOAD', '\x1bLuaQ\0'],
  ]) {
    const [reply] = await beside.ours.batch([request]);
    expect(reply, request.join(' ')).toContain(unexpected);
  }
});
