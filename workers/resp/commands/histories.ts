import { namedBy } from './named-lines.ts';

/**
 * How commands changed, for COMMAND DOCS: changes apart by '; ', each a version and what it brought, and after '=' the
 * commands. `+A,B` are new options, `*a` is an argument that may now be given several times, `.a,b` are new fields of the
 * reply; anything else is said in words.
 */
const LINES = `
2.4.0 *element = lpush rpush
4.0.0 *element = lpushx rpushx
4.0.0 *field,value = hset
2.4.0 *field = hdel
3.0.3 *key = exists
2.4.0 *member = sadd srem zrem
2.4.0 *member; 3.0.2 +XX,NX,CH,INCR; 6.2.0 +GT,LT = zadd
6.0.0 Takes a username, too. = auth
6.2.0 Users have channel patterns.; 7.0.0 Users have selectors, and patterns are told as rules. = acl|getuser
6.2.0 Users have channel patterns.; 7.0.0 Users have selectors and permissions by key. = acl|setuser
7.2.0 .entry-id,timestamp-created,timestamp-last-updated = acl|log
2.8.12 .id; 5.0.0 +TYPE; 6.0.0 .user; 6.2.0 Added ID and the fields \`argv-mem\`, \`tot-mem\`, \`laddr\` and \`redir\`.; 7.0.0 .resp,multi-mem,rbs,rbp; 7.0.3 .ssub = client|list
2.8.12 Filters have names.; 2.8.12 +ID; 3.2.0 TYPE may be \`master\`.; 5.0.0 TYPE may be \`replica\` for \`slave\`.; 6.2.0 +LADDR = client|kill
6.2.0 +WRITE,ALL = client|pause
4.0.0 .node-id; 7.0.0 .networking-metadata = cluster|slots
4.0.0 +cluster-bus-port = cluster|meet
7.0.0 Tells the deleted entries that it took from the pending ones. = xautoclaim
4.0.0 .client-address,client-name = slowlog|get
6.2.0 The ends of the range can be excluded. = xrange xrevrange
7.0.0 +NX,XX,GT,LT = expire expireat pexpire pexpireat
7.0.0 Takes several sections. = info
6.2.0 +NOMKSTREAM,MINID,LIMIT; 7.0.0 The ID may be \`<ms>-*\`. = xadd
6.2.0 +MINID,LIMIT = xtrim
6.2.0 +ANY; 7.0.0 Units may be in capitals. = georadius
6.2.0 +ANY = georadius_ro
7.0.0 Units may be in capitals. = georadiusbymember geosearch geosearchstore
6.2.0 +CH,NX,XX = geoadd
2.8.0 Answers -2 when there is no such key. = pttl ttl
3.0.0 +REPLACE; 5.0.0 +ABSTTL; 5.0.0 +IDLETIME,FREQ = restore restore-asking
6.2.0 +ASYNC,SYNC = script|flush
4.0.0 +ASYNC; 6.2.0 +SYNC = flushall flushdb
3.0.0 +COPY,REPLACE; 3.0.6 +KEYS; 4.0.7 +AUTH; 6.0.0 +AUTH2 = migrate
7.0.0 +BYTE,BIT = bitcount bitpos
2.6.12 +EX,PX,NX,XX; 6.0.0 +KEEPTTL; 6.2.0 +GET,EXAT,PXAT; 7.0.0 NX and GET go together. = set
6.0.0 +FULL; 7.0.0 .max-deleted-entry-id,entries-added,recorded-first-entry-id,entries-read,lag; 7.2.0 .active-time = xinfo|stream
6.2.0 Added IDLE, and the ends of the range can be excluded. = xpending
7.0.0 +NOW,FORCE,ABORT = shutdown
6.2.0 +REV,BYSCORE,BYLEX,LIMIT = zrange
3.2.2 +SCHEDULE = bgsave
6.0.0 +TYPE = scan
2.0.0 +WITHSCORES = zrangebyscore
2.1.6 The ends of the range can be excluded. = zrevrangebyscore
6.2.0 +count = lpop rpop
3.2.0 +count = spop
2.6.0 +count = srandmember
7.0.0 .entries-read,lag = xinfo|groups
7.2.0 .inactive = xinfo|consumers
7.0.0 +ENTRIESADDED,MAXDELETEDID = xsetid
7.0.0 +ENTRIESREAD = xgroup|create xgroup|setid
7.0.0 *parameter = config|get
7.0.0 *parameter,value = config|set
7.2.0 +WITHSCORE = zrank zrevrank
7.0.0 Tells of all commands when none is named. = command|info
3.2.0 Source and destination may be the same. = renamenx
6.2.0 \`protover\` may be left out. = hello
6.0.0 \`timeout\` may have decimals. = blpop brpop brpoplpush bzpopmax bzpopmin
`;

/** A change of a command: the version that brought it, and what it is. */
type Change = readonly [version: string, text: string];

let histories: ReadonlyMap<string, readonly Change[]> | undefined;

/** How a command or subcommand changed since it came, the oldest change first. */
export function historyOf(fullName: string): readonly Change[] {
  histories ??= namedBy(LINES, (text) => text.split('; ').map(change));
  return histories.get(fullName) ?? [];
}

function change(text: string): Change {
  const [, version, what] = /^(\S+) (.+)$/.exec(text)!;
  return [version!, inWords(what!)];
}

const listed = new Intl.ListFormat('en');

function inWords(what: string): string {
  const names = what.slice(1).split(',');
  const all = listed.format(names.map((name) => `\`${name}\``));
  const several = names.length > 1 ? 's' : '';
  if (what.startsWith('+')) return `Added the ${all} option${several}.`;
  if (what.startsWith('.')) return `Added the ${all} field${several}.`;
  if (what.startsWith('*')) return `Accepts multiple ${all} arguments.`;
  return what;
}
