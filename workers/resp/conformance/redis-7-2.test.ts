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
  'zeros have their sign in skiplists, and in results': [
    ['ZADD zeros -0 a 0 b', ':2'],
    ['ZRANGE zeros 0 -1 WITHSCORES', '*4 $1 a $1 0 $1 b $1 0'],
    ['ZUNION 1 zeros WEIGHTS -1 WITHSCORES', '*4 $1 a $2 -0 $1 b $2 -0'],
    ['ZUNIONSTORE few 1 zeros WEIGHTS -1', ':2'],
    ['ZSCORE few a', '$1 0'],
    ['CONFIG SET zset-max-listpack-entries 1', '+OK'],
    ['ZUNIONSTORE many 1 zeros WEIGHTS -1', ':2'],
    ['ZSCORE many a', '$2 -0'],
    ['ZSCORE many b', '$2 -0'],
    ['COPY many copy', ':1'],
    ['ZSCORE copy b', '$2 -0'],
    ['ZRANGESTORE ranks many 0 1', ':2'],
    ['ZSCORE ranks a', '$2 -0'],
    ['ZRANGESTORE scores many -inf +inf BYSCORE', ':2'],
    ['ZRANGE scores 0 -1 WITHSCORES', '*4 $1 a $1 0 $1 b $2 -0'],
    ['ZADD many 0 a', ':0'],
    ['ZSCORE many a', '$2 -0'],
    ['ZADD twice 1 a 2 a', ':1'],
    ['OBJECT ENCODING twice', '$8 skiplist'],
    ['CONFIG SET zset-max-listpack-entries 128', '+OK'],
    ['COPY many copy REPLACE', ':1'],
    ['OBJECT ENCODING copy', '$8 skiplist'],
  ],
  'of two zeros the first counts, of the smaller set; what is no number counts as Redis adds and compares it': [
    ['ZADD few 0 a', ':1'],
    ['ZADD more -0 a 1 b inf c', ':3'],
    ['ZUNION 2 more few WEIGHTS -1 1 AGGREGATE MIN WITHSCORES', '*6 $1 c $4 -inf $1 b $2 -1 $1 a $1 0'],
    ['ZUNION 2 few more WEIGHTS 1 -1 AGGREGATE MAX WITHSCORES', '*6 $1 c $4 -inf $1 b $2 -1 $1 a $1 0'],
    ['ZADD other 2 c', ':1'],
    ['ZINTER 2 other more WEIGHTS 1 0 WITHSCORES', '*2 $1 c $1 0'],
    ['ZINTER 2 other more WEIGHTS 1 0 AGGREGATE MIN WITHSCORES', '*2 $1 c $1 2'],
    ['ZINTER 2 other more WEIGHTS 1 0 AGGREGATE MAX WITHSCORES', '*2 $1 c $1 2'],
  ],
  'LIMIT is for what is trimmed nearly': [
    ['XADD stream MAXLEN 5 LIMIT 0 1-1 a b', '-ERR syntax error, LIMIT cannot be used without the special ~ option'],
    ['XADD stream MAXLEN = 5 LIMIT 0 1-1 a b', '-ERR syntax error, LIMIT cannot be used without the special ~ option'],
    ['XADD stream LIMIT 0 1-1 a b', '-ERR syntax error, LIMIT cannot be used without the special ~ option'],
    ['XADD stream MAXLEN ~ 5 LIMIT 0 1-1 a b', '$3 1-1'],
    ['XTRIM stream MAXLEN 5 LIMIT 0', '-ERR syntax error, LIMIT cannot be used without the special ~ option'],
    ['XTRIM stream MINID = 1 LIMIT 0', '-ERR syntax error, LIMIT cannot be used without the special ~ option'],
    ['XTRIM stream MAXLEN ~ 5 LIMIT 0', ':0'],
  ],
  'patterns and weights of SORT with a zero byte': [
    ['RPUSH list 2 1', ':2'],
    ['SORT list BY w\0*', '*2 $1 2 $1 1'],
    ['SET w\0*1 5', '+OK'],
    ['SORT list BY x*\0y', '*2 $1 1 $1 2'],
    ['SET v1 one', '+OK'],
    ['SET v2 two', '+OK'],
    ['SORT list GET v*\0z', '*2 $-1 $-1'],
    ['SORT list GET v\0*', '*2 $-1 $-1'],
    ['SET w_1 3\0x', '+OK'],
    ['SET w_2 \0', '+OK'],
    ['SORT list BY w_*', '*2 $1 2 $1 1'],
    ['SET w_2 1\0y', '+OK'],
    ['SORT list BY w_*', '*2 $1 2 $1 1'],
    ['RPUSH texts 7\0b 7 7\0a 6', ':4'],
    ['SORT texts ALPHA', '*4 $1 6 $3 7\0b $1 7 $3 7\0a'],
    ['SORT texts ALPHA STORE sorted', ':4'],
    ['LRANGE sorted 0 -1', '*4 $1 6 $1 7 $3 7\0a $3 7\0b'],
  ],
  'keys counted by what is no whole number': [
    ['COMMAND GETKEYSANDFLAGS ZUNION 1.5 a', '*1 *2 $1 a *0'],
    ['COMMAND GETKEYSANDFLAGS ZUNIONSTORE d 1.5 a', '*2 *2 $1 a *0 *2 $1 d *0'],
    ['COMMAND GETKEYSANDFLAGS ZUNIONSTORE d 1 a', '*2 *2 $1 d *2 +OW +update *2 $1 a *2 +RO +access'],
    ['COMMAND GETKEYSANDFLAGS LMPOP 1.5 a LEFT', '*1 *2 $1 a *0'],
    ['COMMAND GETKEYSANDFLAGS SINTERCARD 1x a', '*1 *2 $1 a *0'],
    ['COMMAND GETKEYSANDFLAGS EVAL x 1.5 a', '*1 *2 $1 a *0'],
    ['COMMAND GETKEYSANDFLAGS BZMPOP 0 1.5 a MIN', '*1 *2 $1 a *0'],
  ],
  'a score that is no geohash is shown as one': [
    ['ZADD geo 1.5 a -5 b', ':2'],
    ['GEOSEARCH geo FROMLONLAT -180 -85 BYBOX 1000000 1000000 m WITHHASH', '*1 *2 $1 a :1'],
    ['GEOHASH geo a', '*1 $11 00bh0hbj210'],
  ],
  'a setting is named as it was given': [
    [
      'CONFIG SET hash-max-ziplist-entries x',
      "-ERR CONFIG SET failed (possibly related to argument 'hash-max-ziplist-entries') - argument couldn't be parsed into an integer",
    ],
    [
      'CONFIG SET maxmemory-clients 200%',
      "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - percentage argument must be less or equal to 100",
    ],
  ],
};

for (const [title, exchanges] of Object.entries(ANSWERS)) {
  test(title, async () => {
    await wire.batch([['FLUSHALL']]);
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

test('a lifetime in RESTORE that ends beyond 64 bits has ended long ago', async () => {
  const restored = async (...options: string[]): Promise<string> => {
    const [, payload] = await wire.batch([
      ['SET', 'from', 'x'],
      ['DUMP', 'from'],
      ['DEL', 'to'],
    ]);
    const body = payload!.slice(payload!.indexOf('\r\n') + 2, -2);
    const [time, ...rest] = options;
    const replies = await wire.batch([
      ['RESTORE', 'to', time!, body, ...rest],
      ['PTTL', 'to'],
    ]);
    return replies.join('').replaceAll('\r\n', ' ').trim();
  };
  expect(await restored('9223372036854775807')).toBe('+OK :-2');
  expect(await restored('9223372036854775807', 'ABSTTL')).toMatch(/^\+OK :9223370/);
  expect(await restored('0')).toBe('+OK :-1');
});

test('who waits is not woken by what takes the place of something else, but by what takes that of a stream', async () => {
  expect(await woken('BLPOP taken 0', ['SET taken x', 'DEL taken', 'RPUSH taken 1'])).toBe('*2 $5 taken $1 1');
  await wire.batch([
    ['XADD', 'lost', '1-1', 'a', 'b'],
    ['XGROUP', 'CREATE', 'lost', 'g', '$'],
  ]);
  expect(await woken('XREADGROUP GROUP g c BLOCK 0 STREAMS lost >', ['SET lost x'])).toBe(
    '-WRONGTYPE Operation against a key holding the wrong kind of value',
  );
});

test('a node with little in it has nothing that MEMORY DOCTOR could find', async () => {
  const [answer] = await wire.batch([['MEMORY', 'DOCTOR']]);
  expect(answer).toContain('Hi Sam, this instance is empty or is using very little memory');
});
