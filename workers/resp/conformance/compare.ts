import { comparableStream } from './compare-streams.ts';
import { CLOSED, replyEnd } from './wire.ts';

/** Scores: 7.0 prints 17 digits, 7.2 the shortest that mean the same number. */
const DOUBLE = /(?:,|\$\d+\r\n)(-?\d[\d.]*(?:e[+-]?\d+)?)\r\n/g;

/** Replies whose order means nothing. */
const UNORDERED = new Set(
  'smembers sinter sunion sdiff keys hkeys hvals hgetall scan hscan sscan zscan spop srandmember hrandfield zrandmember'.split(
    ' ',
  ),
);
/** Commands that pick at random: only how much they return is compared, unless they return all there is. */
const RANDOM = new Set('srandmember hrandfield zrandmember'.split(' '));
/** Replies that depend on the moment; compared to ten seconds. */
const TIMES = new Set('ttl pttl expiretime pexpiretime'.split(' '));

const EMPTY_READ = /^(?:_|\*-1|(?:%1|\*1\r\n\*2)\r\n\$\d+\r\n[^\r]*\r\n\*0)\r\n$/;

function children(reply: string): string[] {
  const items: string[] = [];
  for (let at = reply.indexOf('\r\n') + 2; at < reply.length;) {
    const end = replyEnd(reply, at);
    items.push(reply.slice(at, end));
    at = end;
  }
  return items;
}

function sortedItems(reply: string, pairs: boolean): string {
  const items = children(reply);
  const head = reply.slice(0, reply.indexOf('\r\n'));
  const size = pairs || head.startsWith('%') ? 2 : 1;
  const groups: string[] = [];
  for (let i = 0; i < items.length; i += size) groups.push(items.slice(i, i + size).join(''));
  return [head, ...groups.sort()].join('|');
}

/**
 * A reply as it may be compared: what Redis itself leaves open, or what 7.2 (whose behaviour the engine has) changed from
 * the 7.0 that it is compared to, is taken out.
 */
export function comparable(request: readonly string[], reply: string): string {
  const name = request[0]!.toLowerCase();
  // 7.2 names the command.
  if (reply.startsWith('-ERR Unbalanced')) return 'unbalanced';
  // 7.2 says which user and which command.
  if (/^-(?:EXECABORT .*)?NOPERM/.test(reply)) return 'denied';
  // Redis prints a script's message up to the first zero byte.
  if (/^(?:eval|fcall)/.test(name) && reply.startsWith('-')) return reply.replace(/\0.*?(?= script: )/s, '');
  // 7.2 tells a reader of a group whose stream went the same as one who comes too late.
  if (name === 'xreadgroup' && /^-(?:UNBLOCKED the stream key|NOGROUP)/.test(reply)) return 'gone';
  // The real server compresses what is long.
  if (name === 'function' && request[1]?.toLowerCase() === 'dump') return reply[0]!;
  // 7.2 tells of what it added to CLIENT.
  if (request[1]?.toLowerCase() === 'help')
    return name === 'client' ? reply[0]! : reply.replace('Prints this', 'Print this');
  // 7.2 takes line ends off the end of an error, and some words are printed up to their first zero byte.
  if (reply.startsWith('-')) return reply.replace(/\0.*?(?=')/s, '').trimEnd();
  if (reply.startsWith('+QUEUED')) return reply;
  if (name.startsWith('sort') && request.some((word) => word.toUpperCase() === 'BY')) {
    // Without an order of its own, or with equal weights, Redis's order is that of its tables and sorting.
    return reply.startsWith('*') ? sortedItems(reply, false) : reply;
  }
  // 7.2 has listpack encodings for sets and lists; integers appended to stay what they look like here.
  if (name === 'object' && request[1]?.toLowerCase() === 'encoding') return reply[0]!;
  if (name === 'object' && request[1]?.toLowerCase() === 'refcount') return 'refcount';
  if (isOfServer(name, String(request[1]).toLowerCase(), request.length)) return reply[0]!;
  if (name === 'config' || name === 'pubsub') return sortedItems(reply, name === 'config');
  // A payload may be compressed in more ways than one.
  if (name === 'time' || name === 'lastsave' || name === 'dump') return reply.slice(0, 2) === '$-' ? reply : reply[0]!;
  // Redis counts also what has expired and was not removed yet.
  if (name === 'memory') return reply.startsWith('-') ? reply : 'bytes';
  if (name === 'command' && /^(?:count|undefined)$/i.test(String(request[1]))) return reply[0]!;
  if (name === 'acl') return comparableAcl(request, reply);
  if (RANDOM.has(name) && request[2] !== '1000')
    return reply.startsWith('*') ? reply.slice(0, reply.indexOf('\r\n')) : reply[0]!;
  // Only 0 and what a scan returned are cursors; what others lead to is left open.
  if (name.endsWith('scan') && request[name === 'scan' ? 1 : 2] !== '0') return reply[0]!;
  // 7.0 serves a reader even when the entry it waited for was trimmed away at once.
  if (mayWait(request) && EMPTY_READ.test(reply)) return 'nothing';
  if (name.startsWith('x')) return comparableStream(name, request, reply);
  if (name.includes('z') || name.startsWith('eval'))
    return comparableRest(
      name,
      request,
      reply.replace(DOUBLE, (_, text: string) => `,${Number(text)}\r\n`),
    );
  return comparableRest(name, request, reply);
}

/** Whether a reply tells of the server, its version, memory or clock, or of the connection. */
function isOfServer(name: string, sub: string, words: number): boolean {
  switch (name) {
    case 'info':
    case 'hello':
    case 'lolwut':
      return true;
    case 'client':
      return sub === 'id' || sub === 'info' || sub === 'list';
    case 'slowlog':
      return sub === 'get' || sub === 'len';
    case 'latency':
      return sub !== 'reset' && sub !== 'graph';
    case 'command':
      return sub === 'list' || (sub === 'docs' && words > 2);
    default:
      return false;
  }
}

/** 7.2 keeps the order of command rules, names its users' flags in full and has other words for denials. */
function comparableAcl(request: readonly string[], reply: string): string {
  switch (request[1]?.toLowerCase()) {
    case 'getuser':
      return reply.replace('sanitize-payload', '').replace(/[*~]\d+|[+-]@?[\w|-]+|\$\d+|\s/g, '');
    case 'dryrun':
      return reply[0]!;
    case 'list':
    case 'genpass':
      return reply.split('\r\n')[0]!;
    case 'log':
      // Times, numbers and the client differ; 7.2 added some.
      return [...reply.matchAll(/\$\d+\r\n(count|reason|context|object|username)\r\n(?:\$\d+\r\n)?([^\r]*)\r\n/g)]
        .map(([, field, value]) => `${field} ${value!.toLowerCase()}`)
        .join(' ');
    default:
      return reply;
  }
}

function comparableRest(name: string, request: readonly string[], reply: string): string {
  if (!UNORDERED.has(name) || !/^[*~%]/.test(reply) || reply.startsWith('*-1')) return reply;
  const option = request.at(-1)!.toUpperCase();
  const flatPairs = name === 'hgetall' || option === 'WITHVALUES' || option === 'WITHSCORES';
  if (!name.endsWith('scan')) return sortedItems(reply, flatPairs && !children(reply)[0]?.startsWith('*'));
  const [cursor, found] = children(reply);
  return `${cursor}${sortedItems(found!, name === 'hscan' || name === 'zscan')}`;
}

/** Whether a request reads streams for what is new to it. */
function mayWait(request: readonly string[]): boolean {
  const name = request[0]!.toLowerCase();
  return name === 'xread' || (name === 'xreadgroup' && request.includes('BLOCK') && request.at(-1) === '>');
}

/** Whether two replies to a request mean the same. */
function alike(request: readonly string[], ours: string, theirs: string): boolean {
  const name = request[0]!.toLowerCase();
  if (mayWait(request) && request.length > 4 && EMPTY_READ.test(theirs)) return true;
  const idle = name === 'object' && request[1]?.toLowerCase() === 'idletime';
  // Redis takes a setting up to its first zero byte, and nothing for a nought.
  if (name === 'config' && request.some((word) => word === '' || word.includes('\0'))) return true;
  // 7.2 refuses a timeout whose end it can't tell.
  if (ours.startsWith('-ERR timeout is out of range')) return true;
  // A server that had to wait for its turn has a clock that stood still.
  if (idle && ours.startsWith(':') && theirs.startsWith(':')) return true;
  if (TIMES.has(name) && ours.startsWith(':') && theirs.startsWith(':')) {
    const [left, right] = [Number(ours.slice(1)), Number(theirs.slice(1))];
    return left < 0 ? left === right : Math.abs(left - right) <= (name.startsWith('p') ? 10_000 : 10);
  }
  return comparable(request, ours) === comparable(request, theirs);
}

/** Compares replies of one connection in order, and those within EXEC each by the command that was queued. */
export function createComparison(): (request: readonly string[], ours: string, theirs: string) => boolean {
  let queued: (readonly string[])[] = [];
  return (request, ours, theirs) => {
    if (ours === CLOSED || theirs === CLOSED) return ours === theirs;
    const name = request[0]!.toLowerCase();
    if (ours.startsWith('+QUEUED')) queued.push(request);
    else if ((name === 'multi' || name === 'discard') && ours.startsWith('+OK')) queued = [];
    if (name !== 'exec' || !ours.startsWith('*') || ours.startsWith('*-1')) {
      return alike(request, ours, theirs);
    }
    const requests = queued;
    queued = [];
    const left = children(ours);
    const right = children(theirs);
    if (left.length !== right.length || left.length !== requests.length) return false;
    return requests.every((one, i) => alike(one, left[i]!, right[i]!));
  };
}
