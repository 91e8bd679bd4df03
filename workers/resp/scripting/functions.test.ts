import { expect, test } from 'vitest';
import { besideReference } from '#test/tools/beside-redis.ts';
import { openWire } from '../conformance/wire.ts';
import { Node } from '../keyspace/node.ts';
import { rdbCodec } from '../persistence/codec.ts';

const node = new Node({ id: 'functions' });
const beside = besideReference({ defaultNode: node, codec: rdbCodec });

/** Sends the same to both and expects the same replies. */
async function same(...requests: readonly (readonly string[])[]): Promise<string[]> {
  const all = requests.map((request) => [...request]);
  const [left, right] = [await beside.ours.batch(all), await beside.theirs.batch(all)];
  for (const [i, request] of requests.entries()) expect(left[i], request.join(' ')).toBe(right[i]);
  return left;
}

const COUNTER = `#!lua name=counter
local calls = 0
redis.register_function('count', function(keys, args)
  calls = calls + 1
  return {calls, keys, args, redis.call('incrby', keys[1], args[1])}
end)
redis.register_function{function_name = 'peek', description = 'Looks only.', flags = {'no-writes'},
  callback = function(keys) return redis.call('get', keys[1]) end}
`;
const library = (name: string, body: string): string => `#!lua name=${name}\n${body}`;
const registering = (name: string, fn: string, body = 'return 1'): string =>
  library(name, `redis.register_function('${fn}', function(keys, args) ${body} end)`);

test('libraries are loaded, called, listed and removed as by a real server', async () => {
  await same(
    ['FUNCTION', 'FLUSH'],
    ['FUNCTION', 'LOAD', COUNTER],
    ['FUNCTION', 'LOAD', COUNTER],
    ['FUNCTION', 'LOAD', 'REPLACE', COUNTER],
    ['FCALL', 'count', '1', 'k', '5'],
    ['FCALL', 'COUNT', '1', 'k', '5'],
    ['FCALL', 'peek', '1', 'k'],
    ['FCALL_RO', 'peek', '1', 'k'],
    ['FCALL_RO', 'count', '1', 'k', '1'],
    ['FCALL', 'nothing', '0'],
    ['FCALL', 'peek', 'x'],
    ['FCALL', 'peek', '3', 'k'],
    ['FCALL', 'peek', '-1', 'k'],
    ['FCALL', 'peek', '0'],
    ['FUNCTION', 'LIST', 'LIBRARYNAME', 'none*'],
    ['FUNCTION', 'LIST', 'LIBRARYNAME'],
    ['FUNCTION', 'LIST', 'NONSENSE'],
    ['FUNCTION', 'STATS'],
    ['FUNCTION', 'KILL'],
    ['FUNCTION', 'FLUSH', 'NOW'],
    ['FUNCTION', 'FLUSH', 'SYNC', 'x'],
    ['FUNCTION', 'DELETE', 'nothing'],
    ['FUNCTION', 'DELETE', 'counter'],
    ['FCALL', 'count', '0'],
    ['FUNCTION', 'LIST'],
    ['COMMAND', 'GETKEYS', 'FCALL', 'f', '2', 'a', 'b', 'c'],
  );
});

test('what is wrong with a library is said in the words of a real server', async () => {
  await same(
    ['FUNCTION', 'FLUSH'],
    ['FUNCTION', 'LOAD', registering('first', 'taken')],
    ...[
      'return 1',
      '#!lua',
      '#!lua\nreturn 1',
      '#!lua name=a name=b\nreturn 1',
      '#!lua name=a other=b\nreturn 1',
      '#!js name=a\nreturn 1',
      '#!lua name=a-b\nreturn 1',
      '#!lua name="quoted\nreturn 1',
      '#!LUA name=upper\nreturn 1',
      library('a', 'return ('),
      library('a', 'return 1'),
      library('a', 'error("stop")'),
      library('a', 'error({err = "mine"})'),
      library('a', 'redis.call("get", "k")'),
      library('a', 'return math.random()'),
      library('a', 'redis.setresp(3)'),
      library('a', 'x = 1'),
      library('a', 'redis.x = 1'),
      library('a', 'redis.log(redis.LOG_DEBUG, "x") redis.log(9, "x")'),
      library('a', 'redis.register_function()'),
      library('a', 'redis.register_function(1, 2, 3)'),
      library('a', 'redis.register_function("f")'),
      library('a', 'redis.register_function("f", "g")'),
      library('a', 'redis.register_function({}, function() end)'),
      library('a', 'redis.register_function("f-g", function() end)'),
      library('a', 'redis.register_function("", function() end)'),
      library('a', 'redis.register_function("f", function() end) redis.register_function("f", function() end)'),
      library('a', 'redis.register_function{callback = function() end}'),
      library('a', 'redis.register_function{function_name = "f"}'),
      library('a', 'redis.register_function{function_name = "f", callback = 1}'),
      library('a', 'redis.register_function{function_name = {}, callback = function() end}'),
      library('a', 'redis.register_function{function_name = "f", callback = function() end, flags = 1}'),
      library('a', 'redis.register_function{function_name = "f", callback = function() end, flags = {"x"}}'),
      library('a', 'redis.register_function{function_name = "f", callback = function() end, more = 1}'),
      registering('a', 'taken'),
      registering('a', 'TAKEN'),
    ].map((code) => ['FUNCTION', 'LOAD', code]),
    ['FUNCTION', 'LOAD', 'SOMETHING', registering('a', 'f')],
    ['FUNCTION', 'LOAD', 'REPLACE', registering('first', 'other')],
    ['FCALL', 'taken', '0'],
    ['FCALL', 'other', '0'],
    ['FUNCTION', 'LOAD', 'REPLACE', library('first', 'return (')],
    ['FCALL', 'other', '0'],
  );
});

test('functions see what functions see, and their errors say where', async () => {
  const bodies = [
    'return KEYS',
    'return redis.register_function',
    'return redis.breakpoint',
    'return redis.call("nonsense")',
    'return redis.pcall("incr")',
    'error("stop")',
    'return {err = "mine"}',
    'return redis.error_reply("CODE mine")',
    'return redis.error_reply("-CODE mine")',
    'return redis.error_reply("mine")',
    'redis.setresp(3) return redis.call("config", "get", "maxmemory")',
    'x = 1',
    'return redis.call("function", "list")',
    'return {type(redis.REDIS_VERSION), redis.sha1hex("a"), keys, args}',
    'local t = {} for i = 1, 100 do t[i] = i end return t',
  ];
  await same(
    ['FUNCTION', 'FLUSH'],
    ...bodies.flatMap((body, i) => [
      ['FUNCTION', 'LOAD', registering(`lib${i}`, `f${i}`, body)],
      ['FCALL', `f${i}`, '1', 'k', 'a'],
    ]),
  );
});

test('dumps go from one server to the other and back', async () => {
  for (const [from, to] of [
    [beside.ours, beside.theirs],
    [beside.theirs, beside.ours],
  ] as const) {
    await from.batch([
      ['FUNCTION', 'FLUSH'],
      ['FUNCTION', 'LOAD', COUNTER],
      ['FUNCTION', 'LOAD', registering('second', 'two')],
    ]);
    const [dumped] = await from.batch([['FUNCTION', 'DUMP']]);
    const payload = dumped!.slice(dumped!.indexOf('\r\n') + 2, -2);
    const replies = await to.batch([
      ['FUNCTION', 'FLUSH'],
      ['FUNCTION', 'RESTORE', payload],
      ['FUNCTION', 'RESTORE', payload, 'REPLACE'],
      ['FUNCTION', 'RESTORE', payload, 'FLUSH'],
      ['FCALL', 'two', '0'],
      ['FUNCTION', 'RESTORE', payload.slice(1)],
      ['FUNCTION', 'RESTORE', payload, 'NEVER'],
    ]);
    expect(replies.slice(1)).toEqual([
      '+OK\r\n',
      '+OK\r\n',
      '+OK\r\n',
      ':1\r\n',
      '-ERR DUMP payload version or checksum are wrong\r\n',
      '-ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.\r\n',
    ]);
    const [again] = await to.batch([['FUNCTION', 'RESTORE', payload]]);
    expect(again).toMatch(/^-ERR Library (counter|second) already exists/);
    const [collides] = await to
      .batch(
        [
          ['FUNCTION', 'FLUSH'],
          ['FUNCTION', 'LOAD', registering('third', 'two')],
          ['FUNCTION', 'RESTORE', payload],
        ].slice(0, 3),
      )
      .then((all) => all.slice(2));
    expect(collides).toBe('-ERR Function two already exists\r\n');
  }
});

test('a library that never ends its loading is given up, and what was there stays', async () => {
  await beside.ours.batch([
    ['FUNCTION', 'FLUSH'],
    ['FUNCTION', 'LOAD', registering('stays', 'f')],
  ]);
  const [loaded, called] = await beside.ours.batch([
    ['FUNCTION', 'LOAD', 'REPLACE', library('stays', 'while true do end')],
    ['FCALL', 'f', '0'],
  ]);
  expect(loaded).toBe('-ERR Error registering functions: ERR FUNCTION LOAD timeout\r\n');
  expect(called).toBe(':1\r\n');
});

test('a function at work is shown, and FUNCTION KILL ends it while SCRIPT KILL does not', async () => {
  const other = await openWire(await beside.engine.listen({ port: 0 }));
  await beside.ours.batch([
    ['CONFIG', 'SET', 'busy-reply-threshold', '20'],
    ['FUNCTION', 'FLUSH'],
    ['FUNCTION', 'LOAD', registering('endless', 'f', 'while true do end')],
  ]);
  const running = beside.ours.batch([['FCALL', 'f', '1', 'k']]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const [stats, refused, script, killed] = await other.batch([
    ['FUNCTION', 'STATS'],
    ['GET', 'k'],
    ['SCRIPT', 'KILL'],
    ['FUNCTION', 'KILL'],
  ]);
  expect(stats).toContain('$4\r\nname\r\n$1\r\nf\r\n$7\r\ncommand\r\n*4\r\n$5\r\nFCALL\r\n');
  const busy = '-BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.\r\n';
  expect([refused, script, killed]).toEqual([busy, busy, '+OK\r\n']);
  expect((await running)[0]).toMatch(/^-ERR Script killed by user.* script: f, on @user_function:2\.\r\n$/);
  other.close();
});
