import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEngine } from '../engine.ts';
import { Node } from '../keyspace/node.ts';
import { rdbCodec } from '../persistence/codec.ts';
import { openWire } from './wire.ts';
import type { Wire } from './wire.ts';

/*
 * What a redis-server 7.2.6 answered, where it differs from the 7.0 that the differential test runs against, or where chance
 * does not come by. Requests are words apart by spaces (`''` is the empty word), a reply is its lines, apart by spaces.
 */

const engine = createEngine({ defaultNode: new Node({ id: 'of-7-2' }), codec: rdbCodec });
let wire: Wire;
let port: number;

beforeAll(async () => {
  port = await engine.listen({ port: 0 });
  wire = await openWire(port);
});

afterAll(async () => {
  wire.close();
  await engine.close();
});

const ANSWERS: Readonly<Record<string, readonly (readonly [request: string, reply: string])[]>> = {
  'arguments are looked at after the key where Redis does': [
    ['BITCOUNT none x y z', ':0'],
    ['BITPOS none 1 x', ':-1'],
    ['SADD set a', ':1'],
    ['BITCOUNT set x', '-WRONGTYPE Operation against a key holding the wrong kind of value'],
    ['BZMPOP x 0 key MIN', '-ERR numkeys should be greater than 0'],
    ['BLMPOP x 1 key LEFT', '-ERR timeout is not a float or out of range'],
    ['BLMPOP -1 1 key NOWHERE', '-ERR syntax error'],
  ],
  'timeouts are long doubles, or 64 bits of milliseconds': [
    ['BLPOP none 1e400', '-ERR timeout is out of range'],
    ['BLPOP none -1e400', '-ERR timeout is negative'],
    ['BLPOP none nan', '-ERR timeout is not a float or out of range'],
    ['WAIT 0 9223372036854775807', '-ERR timeout is out of range'],
    ['WAIT 0 -1', '-ERR timeout is negative'],
    ['WAIT 1 20', ':0'],
    ['WAITAOF 0 1 20', '*2 :0 :0'],
    ['WAITAOF 2 0 0', '-ERR value is out of range, value must between 0 and 1'],
  ],
  'words too many': [
    ['ZRANK zset a WITHSCORE x', "-ERR wrong number of arguments for 'zrank' command"],
    ['PUBSUB CHANNELS a b', "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP."],
    ['ZRANGE zset 0 1 REV REV', '-ERR syntax error'],
    ['ZRANGE zset [a [b BYLEX BYLEX', '-ERR syntax error'],
  ],
  'the same time may be given twice': [
    ['SET key value EX 10 EX 20', '+OK'],
    ['TTL key', ':20'],
    ['SET key value EX 10 PX 20', '-ERR syntax error'],
    ['GETEX key EX 30 EX 40', '$5 value'],
    ['TTL key', ':40'],
    ['GETEX key PERSIST PERSIST', '$5 value'],
  ],
  'short strings that were worked on are raw': [
    ['PFADD hll a', ':1'],
    ['OBJECT ENCODING hll', '$3 raw'],
    ['BITOP OR bits hll', ':21'],
    ['OBJECT ENCODING bits', '$3 raw'],
  ],
  'subscribing, pausing, looking': [
    ['CLIENT PAUSE 1 SOMETIMES', '-ERR CLIENT PAUSE mode must be WRITE or ALL'],
    ['SLOWLOG GET 1 2', "-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP."],
    ['FAILOVER ABORT', '-ERR No failover in progress.'],
    ['MULTI', '+OK'],
    ['SUBSCRIBE channel', '+QUEUED'],
    ['SSUBSCRIBE channel', '+QUEUED'],
    ['EXEC', "*2 *3 $9 subscribe $7 channel :1 -ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"],
    [
      'CLIENT ID',
      "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
    ],
    ['UNSUBSCRIBE', '*3 $11 unsubscribe $7 channel :0'],
  ],
  'COMMAND about itself': [
    ['COMMAND COUNT', ':241'],
    ['COMMAND INFO nosuch', '*1 $-1'],
    ['COMMAND GETKEYS MEMORY DOCTOR', '-ERR The command has no key arguments'],
    ["COMMAND GETKEYSANDFLAGS MIGRATE host 1 '' 0 1 KEYS a", '*1 *2 $1 a *3 +RW +access +delete'],
  ],
};

for (const [title, exchanges] of Object.entries(ANSWERS)) {
  test(title, async () => {
    for (const [request, reply] of exchanges) {
      const words = request.split(' ').map((word) => (word === "''" ? '' : word));
      const [answer] = await wire.batch([words]);
      const lines = answer!.trimEnd().replaceAll('\r\n', ' ');
      expect(lines, request).toBe(reply);
    }
  });
}

test('COMMAND DOCS tells what commands cost and how they changed', async () => {
  const [answer] = await wire.batch([['COMMAND', 'DOCS', 'SET']]);
  expect(answer).toContain('$10\r\ncomplexity\r\n$4\r\nO(1)\r\n');
  expect(answer).toContain(
    '$7\r\nhistory\r\n*4\r\n*2\r\n$6\r\n2.6.12\r\n$45\r\nAdded the `EX`, `PX`, `NX`, and `XX` options.\r\n',
  );
});

/** What a client that waits gets once another has carried out the requests. */
async function woken(waits: string, requests: readonly string[]): Promise<string> {
  const waiter = await openWire(port);
  const reply = waiter.batch([waits.split(' ')]);
  await expect.poll(async () => (await wire.batch([['CLIENT', 'LIST']]))[0]).toMatch(/flags=b/);
  await wire.batch(requests.map((request) => request.split(' ')));
  const [answer] = await reply;
  waiter.close();
  return answer!.trimEnd().replaceAll('\r\n', ' ');
}

test('who waits for several keys looks at all of them, in their order, when one is ready', async () => {
  const both = ['MULTI', 'RPUSH second 1 2', 'RPUSH first 9', 'EXEC'];
  expect(await woken('BLMPOP 0 2 first second LEFT COUNT 2', both)).toBe('*2 $5 first *1 $1 9');
  const zsets = ['MULTI', 'ZADD z2 1 x', 'ZADD z1 1 y', 'EXEC'];
  expect(await woken('BZPOPMIN z1 z2 0', zsets)).toBe('*3 $2 z1 $1 y $1 1');
  const wrong = '-WRONGTYPE Operation against a key holding the wrong kind of value';
  expect(await woken('BLPOP text queue 0', ['SET text x', 'RPUSH queue 1'])).toBe(wrong);
  expect(await woken('XREAD BLOCK 0 STREAMS words stream $ $', ['SET words x', 'XADD stream 1-1 a b'])).toBe(wrong);
});
