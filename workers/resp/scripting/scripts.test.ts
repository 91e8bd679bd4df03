import { afterAll, expect, test } from 'vitest';
import { createEngine } from '../engine.ts';
import type { ReplyValue } from '../engine-api.ts';
import type { Effect, NodeJournal } from '../keyspace/journal.ts';
import { openWire } from '../conformance/wire.ts';
import { Node } from '../keyspace/node.ts';
import { digestOf } from './script.ts';

const engine = createEngine({ authenticate: () => ({}) });
afterAll(() => engine.close());

const run = (node: Node, script: string, ...rest: string[]): Promise<ReplyValue> =>
  engine.execute(node, ['EVAL', script, '0', ...rest]);
const errorOf = async (reply: Promise<ReplyValue>): Promise<string> => {
  const value = await reply;
  return value !== null && typeof value === 'object' && 'error' in value
    ? value.error
    : `no error: ${JSON.stringify(value)}`;
};

/** A journal that keeps what it is given, block by block. */
function recorder(): { journal: NodeJournal; blocks: (readonly Effect[])[] } {
  const blocks: (readonly Effect[])[] = [];
  const journal: NodeJournal = {
    append: (db, args) => void blocks.push([{ db, args }]),
    appendBlock: (effects) => void blocks.push(effects),
    records: true,
    holdsReplies: false,
    isDurable: false,
    whenKept: (callback) => callback(true),
    whenDurable: (callback) => callback(true),
    failure: undefined,
  };
  return { journal, blocks };
}

test("a script's effects are one block of commands, without the script", async () => {
  const { journal, blocks } = recorder();
  const node = new Node({ id: 'a', journal });
  await run(node, "redis.call('set', 'a', 1) redis.call('get', 'a') redis.call('incr', 'a') return 1");
  expect(blocks).toEqual([
    [
      { db: 0, args: ['set', 'a', '1'] },
      { db: 0, args: ['incr', 'a'] },
    ],
  ]);
});

test('a long script has one block too', async () => {
  const { journal, blocks } = recorder();
  const node = new Node({ id: 'a', journal });
  const long = "redis.call('set', 'a', 1) local x = 0 for i = 1, 5e6 do x = x + i end return redis.call('incr', 'a')";
  expect(await run(node, long)).toBe(2);
  expect(blocks.map((block) => block.map(({ args }) => args[0]))).toEqual([['set', 'incr']]);
});

test('a transaction goes on after a long script, as one block, and nobody comes between', async () => {
  const { journal, blocks } = recorder();
  const alone = createEngine({ defaultNode: new Node({ id: 'a', journal }) });
  const port = await alone.listen({ port: 0 });
  const [wire, other] = [await openWire(port), await openWire(port)];
  const long = "local x = 0 for i = 1, 5e6 do x = x + i end return redis.call('incr', 'a')";
  const [replies, seen] = await Promise.all([
    wire.batch([
      ['MULTI'],
      ['SET', 'a', '1'],
      ['EVAL', long, '0'],
      ['EVAL', long, '0'],
      ['INCR', 'a'],
      ['EXEC'],
      ['GET', 'a'],
    ]),
    new Promise((resolve) => setTimeout(resolve, 15)).then(() => other.batch([['GET', 'a']])),
  ]);
  expect(replies.slice(-2)).toEqual(['*4\r\n+OK\r\n:2\r\n:3\r\n:4\r\n', '$1\r\n4\r\n']);
  expect(['$-1\r\n', '$1\r\n4\r\n']).toContain(seen[0]);
  expect(blocks.map((block) => block.map(({ args }) => args[0]))).toEqual([['SET', 'incr', 'incr', 'INCR']]);
  wire.close();
  other.close();
  await alone.close();
});

test('others hear BUSY after the threshold, and what they may call runs', async () => {
  const alone = createEngine({ defaultNode: new Node({ id: 'a' }) });
  const port = await alone.listen({ port: 0 });
  const [wire, other] = [await openWire(port), await openWire(port)];
  await wire.batch([['CONFIG', 'SET', 'busy-reply-threshold', '50']]);
  const looping = wire.batch([['EVAL', 'while true do end', '0'], ['PING']]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const [refused, killed] = await other.batch([
    ['GET', 'a'],
    ['SCRIPT', 'KILL'],
  ]);
  expect(refused).toBe('-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n');
  expect(killed).toBe('+OK\r\n');
  expect((await looping)[1]).toBe('+PONG\r\n');
  wire.close();
  other.close();
  await alone.close();
});

test('scripts over the memory limit write nothing, unless their flags allow it', async () => {
  const node = new Node({ id: 'a', maxMemory: 1_000_000 });
  await engine.execute(node, ['SET', 'big', 'x'.repeat(2_000_000)]);
  expect(await errorOf(run(node, "return redis.call('set', 'a', 1)"))).toMatch(/^OOM command not allowed/);
  expect(await errorOf(run(node, "#!lua\nreturn redis.call('set', 'a', 1)"))).toMatch(/^OOM command not allowed/);
  expect(await run(node, "#!lua flags=allow-oom\nreturn redis.call('set', 'a', 1)")).toBe('OK');
  expect(await run(node, "return redis.call('get', 'a')")).toBe('1');
});

test('a failing script keeps what it wrote before it failed', async () => {
  const { journal, blocks } = recorder();
  const node = new Node({ id: 'a', journal });
  expect(await errorOf(run(node, "redis.call('set', 'a', 1) error('stop')"))).toContain('user_script:1: stop');
  expect(blocks).toHaveLength(1);
});

test('nothing of the host can be reached', async () => {
  const node = new Node({ id: 'a' });
  for (const name of [
    'io',
    'os',
    'require',
    'dofile',
    'loadfile',
    'debug',
    'package',
    'process',
    'print',
    'getfenv',
    'setfenv',
    'newproxy',
  ])
    expect(await errorOf(run(node, `return ${name}`))).toContain(`nonexistent global variable '${name}'`);
  expect(await run(node, 'return {loadstring(string.dump(function() end)), type(load)}')).toEqual([]);
  expect(await run(node, 'return pcall(load, function() return string.dump(function() end) end)')).toBe(1);
});

test('no script leaves anything behind for the next', async () => {
  const node = new Node({ id: 'a' });
  const attempts = [
    'leak = 1',
    'rawset(_G, "leak", 1)',
    'string.leak = 1',
    'rawset(string, "leak", 1)',
    'table.insert(string, 1)',
    'getmetatable("").leak = 1',
    'getmetatable("").__index.leak = 1',
    'setmetatable(_G, {__index = {leak = 1}})',
    'setmetatable(redis, {})',
    'loadstring("leak = 1")()',
    'coroutine.wrap(function() leak = 1 end)()',
    'KEYS.leak = 1 ARGV.leak = 1',
    'for k, v in pairs(_G) do if type(v) == "table" then pcall(rawset, v, "leak", 1) end end',
    'local _, t = pairs(string) pcall(rawset, t, "leak", 1)',
    'cjson.encode_max_depth(1)',
  ];
  for (const attempt of attempts) await run(node, attempt);
  expect(
    await run(
      node,
      `local seen = {}
       for k, v in pairs(_G) do
         if k == 'leak' or (type(v) == 'table' and k ~= '_G' and (rawget(v, 'leak') or rawget(v, 1))) then seen[#seen + 1] = k end
       end
       return seen`,
    ),
  ).toEqual([]);
  expect(await run(node, 'return {pcall(function() return leak end), ("x").leak, getmetatable("").leak}')).toEqual([
    null,
  ]);
  expect(await run(node, 'return cjson.encode({{{}}})')).toBe('[[{}]]');
});

test('two nodes have nothing in common', async () => {
  const one = new Node({ id: 'one' });
  const two = new Node({ id: 'two' });
  await engine.execute(one, ['SET', 'secret', '1']);
  await engine.execute(one, ['SCRIPT', 'LOAD', 'return 1']);
  expect(await run(two, "return redis.call('keys', '*')")).toEqual([]);
  expect(await engine.execute(two, ['SCRIPT', 'EXISTS', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db'])).toEqual([0]);
});

test('memory bombs end with an error, and the node goes on', { timeout: 60_000 }, async () => {
  const node = new Node({ id: 'a' });
  for (const bomb of [
    "local s = 'x' while true do s = s .. s end",
    "return ('x'):rep(1e9)",
    'local t = {} while true do t[#t + 1] = {} end',
  ])
    expect(await errorOf(run(node, bomb))).toContain('not enough memory');
  const deep = 'local function f() return f() + 1 end return f()';
  expect(await errorOf(run(node, deep))).toContain('stack overflow');
  expect(await run(node, 'return 1')).toBe(1);
});

test(
  'a runaway script is killed, whatever it catches, and neighbours are served meanwhile',
  { timeout: 60_000 },
  async () => {
    const node = new Node({ id: 'a' });
    const neighbour = new Node({ id: 'b' });
    for (const loop of [
      'while true do pcall(function() while true do end end) end',
      'local t = setmetatable({}, {__index = function() while true do end end}) return t.x',
      'coroutine.wrap(function() while true do end end)()',
      'table.sort({3, 2, 1}, function() while true do end end)',
      '("x"):gsub("x", function() while true do end end)',
      // What follows is in one single call of Lua's own library for as long as it takes.
      'return string.find(("a"):rep(60), ("a?"):rep(60) .. ("a"):rep(60) .. "b")',
      'local t = {} for i = 1, 5e5 do t[i] = i % 7 end while true do table.sort(t) end',
      'local t = {} for i = 1, 5e5 do t[i] = i end while true do table.concat(t) end',
      'while true do local s = ("x"):rep(2e7) end',
      'local t, p = {}, ("a"):rep(1000) for i = 1, 1e4 do t[p .. i .. p] = i end while true do local x = t[p .. 1 .. p] end',
      'local t = {} for i = 1, 2e5 do t[i] = {} end while true do collectgarbage() end',
      'local t = {} for i = 1, 2e5 do t[i] = i end while true do cjson.decode(cjson.encode(t)) end',
      'local t = {} for i = 1, 2e5 do t[i] = i end while true do cmsgpack.unpack(cmsgpack.pack(t)) end',
      'local s = ("x"):rep(1e7) while true do redis.sha1hex(s) end',
    ]) {
      const killed = errorOf(run(node, loop));
      for (let i = 0; i < 50; i++) {
        expect(await engine.execute(neighbour, ['INCR', 'n'])).toBeGreaterThan(0);
        await new Promise(setImmediate);
      }
      expect(await engine.execute(node, ['SCRIPT', 'KILL'])).toBe('OK');
      expect(await killed).toContain('Script killed by user');
    }
    expect(await errorOf(engine.execute(node, ['SCRIPT', 'KILL']))).toContain('NOTBUSY');
    expect(await run(node, 'return 1')).toBe(1);
  },
);

test('a script that has written can not be killed, and others are told that the node is busy', async () => {
  const node = new Node({ id: 'a' });
  await engine.execute(node, ['SET', 'busy', '0']);
  const written = run(node, "redis.call('set', 'busy', 1) local x = 0 for i = 1, 1e7 do x = x + i end return 'done'");
  expect(await errorOf(engine.execute(node, ['SCRIPT', 'KILL']))).toMatch(/^UNKILLABLE/);
  // Whoever asks meanwhile waits, and sees the script as a whole.
  expect(await engine.execute(node, ['GET', 'busy'])).toBe('1');
  expect(await written).toBe('done');
});

test('strings are bytes all the way', async () => {
  const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
  const node = new Node({ id: 'a' });
  const script = "redis.call('set', 'k', ARGV[1]) return {redis.call('get', 'k'), #ARGV[1]}";
  expect(await run(node, script, bytes)).toEqual([bytes, 256]);
  const long = bytes.repeat(4000);
  expect(await run(node, script, long)).toEqual([long, long.length]);
});

test("scripts may do what their caller may, and denials are noted as the script's", async () => {
  const alone = createEngine({ defaultNode: new Node({ id: 'a' }) });
  const port = await alone.listen({ port: 0 });
  const wire = await openWire(port);
  const [, , , denied, key, asked, unknown, allowed, log] = await wire.batch([
    ['ACL', 'SETUSER', 'bob', 'on', 'nopass', '+@scripting', '+get', '+set', '+acl|log', '~mine*'],
    ['SET', 'other', '1'],
    ['AUTH', 'bob', 'x'],
    ['EVAL', "return redis.call('del', KEYS[1])", '1', 'mine'],
    ['EVAL', "return redis.pcall('get', 'other').err", '0'],
    ['EVAL', "return {redis.acl_check_cmd('get', 'mine1') and 1, redis.acl_check_cmd('get', 'x') and 1 or 0}", '0'],
    ['EVAL', "return redis.acl_check_cmd('nothing')", '0'],
    ['EVAL', "return redis.call('set', KEYS[1], 1)", '1', 'mine2'],
    ['ACL', 'LOG'],
  ]);
  expect(denied).toMatch(/^-ERR ACL failure in script: User bob has no permissions to run the 'del' command script: /);
  expect(key).toBe('$66\r\nERR ACL failure in script: No permissions to access a key\r\n'.replace('66', '57'));
  expect(asked).toBe('*2\r\n:1\r\n:0\r\n');
  expect(unknown).toMatch(/^-ERR Invalid command passed to redis.acl_check_cmd\(\) script: /);
  expect(allowed).toBe('+OK\r\n');
  expect(log!.match(/context\r\n\$3\r\nlua/g)).toHaveLength(2);
  wire.close();
  await alone.close();
});

test("a tenant's script has a length that is quickly compiled", async () => {
  const node = new Node({ id: 'a' });
  expect(await errorOf(run(node, `return 1 ${' '.repeat(300_000)}`))).toContain('longer than the 262144 bytes');
  expect(await run(node, `return 1 ${' '.repeat(200_000)}`)).toBe(1);
});

test("a tenant's scripts are kept up to a number, and those that were loaded stay", async () => {
  const node = new Node({ id: 'a' });
  await engine.execute(node, ['SCRIPT', 'LOAD', 'return 42']);
  for (let i = 0; i < 700; i++) await run(node, `return ${i}.5`);
  expect(await engine.execute(node, ['EVALSHA', digestOf('return 42'), '0'])).toBe(42);
  const info = JSON.stringify(await engine.execute(node, ['INFO', 'memory']));
  expect(info).toContain('number_of_cached_scripts:501');
  expect(Number(/used_memory_lua:(\d+)/.exec(info)![1])).toBeGreaterThan(10_000);
});
