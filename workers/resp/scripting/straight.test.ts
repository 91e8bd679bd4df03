import { expect, test } from 'vitest';
import { isStraight } from './straight.ts';

test.each([
  'return 1',
  "return redis.call('SET',KEYS[1],ARGV[1])",
  `local current = redis.call('incr', KEYS[1]) -- a limiter
   if tonumber(current) == 1 then redis.call('expire', KEYS[1], ARGV[1]) end
   return current`,
  'local a, b = redis.call("get", KEYS[1]), 2.5 if not a or a ~= b then return {a, "x" .. b} end return redis.status_reply("fine")',
  'local r = redis.pcall("get", KEYS[1]) if r.err then return r.err end return {r[1], #ARGV}',
])('ends soon: %s', (source) => {
  expect(isStraight(source)).toBe(true);
});

test.each([
  'while true do end',
  'for i = 1, 2 do end',
  'repeat until true',
  'local function f() return f() end return f()',
  'return (function() end)()',
  'local a\nloadstring(ARGV[1])()',
  'local s = "local loadstring" loadstring(ARGV[1])()',
  'if true then local loadstring = 1 end loadstring(ARGV[1])()',
  'local loadstring loadstring(ARGV[1])()',
  'local a, b = 1 c(d)',
  'return ARGV[1]:rep(1e9)',
  'return ARGV[1].rep("x", 1e9)',
  'return ARGV[1]["rep"]("x", 1e9)',
  'return ARGV[1][ARGV[2]]("x", 1e9)',
  'return string.rep("x", 1e9)',
  'local a = ARGV[1] a = a..a a = a..a a = a..a a = a..a a = a..a return a',
  'return [[long]]',
  '--[[ long ]] return 1',
  'return ...',
  'return pcall(redis.call, "get", "x")',
  'return _G.loadstring',
  'return getmetatable("")',
  'return cjson.encode(ARGV)',
  `return 1 ${' '.repeat(5000)}`,
])('may take long: %s', (source) => {
  expect(isStraight(source)).toBe(false);
});
