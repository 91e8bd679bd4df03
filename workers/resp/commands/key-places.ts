import { namedBy } from './named-lines.ts';

/** How a command uses the keys of one place among its arguments, as COMMAND INFO tells it. */
export interface PlaceOfKeys {
  /** RO RW OW RM, and access update insert delete not_key incomplete variable_flags. */
  readonly flags: readonly string[];
  /** Where the place begins: an argument's index, or after a keyword searched from an index. */
  readonly begin: number | { readonly keyword: string; readonly from: number } | undefined;
  /** Which arguments from there are keys; undefined when that can't be said by rule. */
  readonly find:
    | { readonly type: 'range'; readonly last: number; readonly step: number; readonly limit: number }
    | { readonly type: 'keynum'; readonly index: number; readonly first: number; readonly step: number }
    | undefined;
}

/**
 * One line per way to use keys: for each place its flags, where it begins (index, or KEYWORD@from) and what is found there
 * (last:step:limit, or #index:first:step of a count), places apart by '|'; after '=' the commands.
 */
const LINES = `
RW insert 1 0:1:0 = append hsetnx linsert lpush lpushx pfadd rpush rpushx sadd
RO access 1 0:1:0 = bitcount bitfield_ro bitpos dump expiretime geodist geohash geopos georadius_ro georadiusbymember_ro geosearch get getbit getrange hget hgetall hkeys hmget hrandfield hscan hvals lindex lpos lrange pexpiretime pttl smembers smismember srandmember sscan substr ttl xpending xrange xrevrange zcount zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore
RW access update variable_flags 1 0:1:0 = bitfield set
OW update 2 0:1:0 | RO access 3 -1:1:0 = bitop
RW access delete 1 0:1:0 | RW insert 2 0:1:0 = blmove brpoplpush lmove rpoplpush smove
RW access delete 2 #0:1:1 = blmpop bzmpop
RW access delete 1 -2:1:0 = blpop brpop bzpopmax bzpopmin
RO access 1 0:1:0 | OW update 2 0:1:0 = copy
RW access update 1 0:1:0 = decr decrby getex getset hincrby hincrbyfloat incr incrby incrbyfloat move setbit zincrby
RM delete 1 -1:1:0 = del unlink
RW access update 2 #0:1:1 = eval evalsha fcall
RO access 2 #0:1:1 = eval_ro evalsha_ro fcall_ro
RO 1 -1:1:0 = exists touch watch
RW update 1 0:1:0 = expire expireat geoadd hmset hset lset persist pexpire pexpireat setrange xack xadd xclaim xsetid zadd
RO access 1 0:1:0 | OW update STORE@6 0:1:0 | OW update STOREDIST@6 0:1:0 = georadius
RO access 1 0:1:0 | OW update STORE@5 0:1:0 | OW update STOREDIST@5 0:1:0 = georadiusbymember
OW update 1 0:1:0 | RO access 2 0:1:0 = geosearchstore zrangestore
RW access delete 1 0:1:0 = getdel lpop rpop spop zpopmax zpopmin
RW delete 1 0:1:0 = hdel lrem ltrim srem xautoclaim xdel xtrim zrem zremrangebylex zremrangebyrank zremrangebyscore
RO 1 0:1:0 = hexists hlen hstrlen llen scard sismember strlen type xlen zcard
RO access 1 1:1:0 = lcs
RW access delete 1 #0:1:1 = lmpop zmpop
RO 2 0:1:0 = memory|usage object|encoding object|freq object|idletime object|refcount
RO access 1 -1:1:0 = mget sdiff sinter sunion
RW access delete 3 0:1:0 | RW access delete incomplete KEYS@-2 -1:1:0 = migrate
OW update 1 -1:2:0 = mset
OW insert 1 -1:2:0 = msetnx
RW access 1 -1:1:0 = pfcount
RW access 2 0:1:0 = pfdebug
RW access insert 1 0:1:0 | RO access 2 -1:1:0 = pfmerge
OW update 1 0:1:0 = psetex restore restore-asking setex
RW access delete 1 0:1:0 | OW update 2 0:1:0 = rename
RW access delete 1 0:1:0 | OW insert 2 0:1:0 = renamenx
OW update 1 0:1:0 | RO access 2 -1:1:0 = sdiffstore sunionstore
OW insert 1 0:1:0 = setnx
RO access 1 #0:1:1 = sintercard zdiff zinter zintercard zunion
RW update 1 0:1:0 | RO access 2 -1:1:0 = sinterstore
RO access 1 0:1:0 | RO access ? ? | OW update ? ? = sort
RO access 1 0:1:0 | RO access ? ? = sort_ro
not_key 1 0:1:0 = spublish
not_key 1 -1:1:0 = ssubscribe sunsubscribe
RW insert 2 0:1:0 = xgroup|create xgroup|createconsumer
RW delete 2 0:1:0 = xgroup|delconsumer xgroup|destroy
RW update 2 0:1:0 = xgroup|setid
RO access 2 0:1:0 = xinfo|consumers xinfo|groups xinfo|stream
RO access STREAMS@1 -1:1:2 = xread
RO access STREAMS@4 -1:1:2 = xreadgroup
OW update 1 0:1:0 | RO access 2 #0:1:1 = zdiffstore zinterstore zunionstore
`;

const places = namedBy<readonly PlaceOfKeys[]>(LINES, (text) => text.split(' | ').map(parse));

function parse(text: string): PlaceOfKeys {
  const words = text.split(' ');
  const find = words.pop()!;
  const begin = words.pop()!;
  return { flags: words, begin: parseBegin(begin), find: parseFind(find) };
}

function parseBegin(text: string): PlaceOfKeys['begin'] {
  if (text === '?') return undefined;
  const [keyword, from] = text.split('@', 2);
  return from === undefined ? Number(text) : { keyword: keyword!, from: Number(from) };
}

function parseFind(text: string): PlaceOfKeys['find'] {
  if (text === '?') return undefined;
  const [a, b, c] = text.replace('#', '').split(':').map(Number) as [number, number, number];
  return text.startsWith('#')
    ? { type: 'keynum', index: a, first: b, step: c }
    : { type: 'range', last: a, step: b, limit: c };
}

/** Where the keys of a command are and what it does with them; empty when it has none. */
export function placesOfKeys(fullName: string): readonly PlaceOfKeys[] {
  return places.get(fullName) ?? [];
}
