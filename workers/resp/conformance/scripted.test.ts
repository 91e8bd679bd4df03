import { expect, test } from 'vitest';
import { besideReference } from '#test/tools/beside-redis.ts';
import { createGenerator, seeded } from './generate.ts';

/** RESP_SEED begins elsewhere or replays a run, RESP_COMMANDS lengthens it. */
const firstSeed = Number(process.env['RESP_SEED'] ?? 4000);
const scripts = Number(process.env['RESP_COMMANDS'] ?? 3000) / 10;

const beside = besideReference({ theirSettings: ['--enable-debug-command', 'yes'] });

/** Commands whose effect and reply depend on nothing but the data, and that 7.2 has not changed. */
const templates = [
  'SET {S} {v} [KEEPTTL]',
  'APPEND {S} {v}',
  'INCRBY {S} {n}',
  'SETRANGE {S} {c} {v}',
  'GETDEL {S}',
  'MSET {S} {v} {S} {v}',
  'SETBIT {S} {c} 0|1',
  'RPUSH {L} {v} {v}',
  'LPUSH {L} {v}',
  'LPOP|RPOP {L}',
  'LSET {L} {n} {v}',
  'LREM {L} {n} {v}',
  'LTRIM {L} {n} {n}',
  'LMOVE {L} {L} LEFT|RIGHT LEFT|RIGHT',
  'HSET {H} {m} {v} {m} {v}',
  'HINCRBY {H} {m} {n}',
  'HDEL {H} {m}',
  'SADD {T} {m} {m} {v}',
  'SREM {T} {m}',
  'SMOVE {T} {T} {m}',
  'SINTERSTORE|SUNIONSTORE|SDIFFSTORE {T} {T} {T}',
  'ZADD {Z} {c} {m} {c} {m}',
  'ZREM {Z} {m}',
  'ZINCRBY {Z} {c} {m}',
  'ZREMRANGEBYRANK {Z} {n} {n}',
  'ZRANGESTORE {Z} {Z} 0 {n}',
  'DEL {K} {K}',
  'RENAME|RENAMENX {K} {K}',
  'COPY {K} {K} [REPLACE]',
  'EXPIRE {K} 1000',
  'PERSIST {K}',
  'SORT {L} ALPHA STORE {L}',
  'GET {S}',
  'STRLEN {K}',
  'LLEN {L}',
  'TYPE {K}',
  'SELECT {d}',
  'NONSENSE {v}',
];

/** Runs the commands among the arguments, each after its number of words; the last argument says what an error does. */
const BODY = `
local out, i, stops = {}, 1, args[#args] == 'call'
local function show(reply)
  if type(reply) ~= 'table' then return tostring(reply) end
  return reply.err or reply.ok or #reply
end
while i < #args do
  local words = {}
  for j = 1, tonumber(args[i]) do words[j] = args[i + j] end
  i = i + #words + 1
  local reply = stops and redis.call(unpack(words)) or redis.pcall(unpack(words))
  out[#out + 1] = show(reply)
end
return out`;

test(
  'random scripts and functions give the replies and the data of a real redis-server',
  { timeout: 300_000 },
  async () => {
    const library = `#!lua name=runner\nredis.register_function('run', function(keys, args) ${BODY} end)`;
    const setup = [['FLUSHALL'], ['FUNCTION', 'FLUSH'], ['FUNCTION', 'LOAD', library]];
    expect(await beside.ours.batch(setup)).toEqual(await beside.theirs.batch(setup));
    const random = seeded(firstSeed);
    const next = createGenerator(random, templates);
    for (let i = 0; i < scripts; i++) {
      const commands = Array.from({ length: 1 + Math.floor(random() * 12) }, next);
      const args = [
        ...commands.flatMap((words) => [String(words.length), ...words]),
        random() < 0.3 ? 'call' : 'pcall',
      ];
      const request =
        random() < 0.5 ? ['FCALL', 'run', '0', ...args] : ['EVAL', `local args = ARGV ${BODY}`, '0', ...args];
      const requests = [request, ['DEBUG', 'DIGEST']];
      const [left, right] = [await beside.ours.batch(requests), await beside.theirs.batch(requests)];
      expect(left, `RESP_SEED=${firstSeed}, script ${i}: ${JSON.stringify(request.slice(3))}`).toEqual(right);
    }
  },
);
