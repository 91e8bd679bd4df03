import type { Client } from '../clients/server.ts';
import { ZSetValue } from '../keyspace/zset-value.ts';
import { MIN_MAX_NOT_FLOAT, MIN_MAX_NOT_STRING, NAN_SCORE, NOT_FLOAT, SYNTAX, wrongArity } from '../protocol/errors.ts';
import { changed, doubleArg, pickCountArg, readAs, settle, writeAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { sample } from './sampling.ts';
import { byLex, byScore } from './zset-bounds.ts';
import { zsetRow } from './rows.ts';
import { asNeeded, inWindows, overArguments, walkArguments, WINDOW, windows } from './walk.ts';
import type { Walk } from './walk.ts';

interface AddOptions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
  ch: boolean;
  incr: boolean;
}

/** Reads ZADD's options and returns them with where the scores begin. */
function addOptions(args: readonly string[]): { options: AddOptions; at: number } {
  const options: AddOptions = { nx: false, xx: false, gt: false, lt: false, ch: false, incr: false };
  let at = 2;
  for (; at < args.length; at++) {
    // A digit begins a score.
    if (args[at]!.charCodeAt(0) < 65) break;
    const option = args[at]!.toLowerCase();
    if (!(option in options)) break;
    options[option as keyof AddOptions] = true;
  }
  return { options, at };
}

function conflict({ nx, xx, gt, lt, incr }: AddOptions, pairs: number): string | undefined {
  if (nx && xx) return 'ERR XX and NX options at the same time are not compatible';
  if ((gt && lt) || (nx && (gt || lt))) return 'ERR GT, LT, and/or NX options at the same time are not compatible';
  if (incr && pairs > 1) return 'ERR INCR option supports a single increment-element pair';
  return undefined;
}

/** The new score of a member, undefined when the options forbid to touch it, NaN when it can't be computed. */
function scoreFor(old: number | undefined, given: number, options: AddOptions): number | undefined {
  if (old === undefined) return options.xx ? undefined : given;
  if (options.nx) return undefined;
  const score = options.incr ? old + given : given;
  if ((options.gt && score <= old) || (options.lt && score >= old)) return undefined;
  return score;
}

/** The scores of a request; undefined when one is none (the error was sent). */
function scoresFrom(client: Client, args: readonly string[], at: number): number[] | undefined {
  const scores: number[] = [];
  for (let i = at; i < args.length; i += 2) {
    const score = doubleArg(client, args[i]!, NOT_FLOAT);
    if (score === undefined) return undefined;
    scores.push(score);
  }
  return scores;
}

/** Scores that are being given to members. */
interface Adding {
  readonly zset: ZSetValue;
  readonly scores: readonly number[];
  /** Where the scores begin in the request. */
  readonly at: number;
  readonly options: AddOptions;
  added: number;
  updated: number;
  result: number | undefined;
}

function addScores(client: Client, args: readonly string[], at: number, options: AddOptions): Walk | undefined {
  const key = args[1]!;
  const scores = scoresFrom(client, args, at);
  if (scores === undefined) return undefined;
  const existing = writeAs(client, key, 'zset');
  if (existing === null) return undefined;
  const zset = existing ?? new ZSetValue();
  // Counted as they come, also the same one several times.
  if (scores.length > client.node.encodingLimits.zsetEntries) zset.convert();
  const adding: Adding = { zset, scores, at, options, added: 0, updated: 0, result: undefined };
  if (args.length > WINDOW) return addMany(client, args, adding, existing === undefined);
  addSome(client, args, adding, at, args.length);
  wereAdded(client, args, adding, existing === undefined);
  return undefined;
}

function addSome({ node }: Client, args: readonly string[], adding: Adding, from: number, to: number): void {
  const { zset, scores, at, options } = adding;
  for (let i = from; i < to; i += 2) {
    const member = args[i + 1]!;
    const old = zset.score(member);
    const score = scoreFor(old, scores[(i - at) / 2]!, options);
    if (score === undefined) continue;
    adding.result = score;
    // Only an increment can come to this, and it has no more members.
    if (Number.isNaN(score)) return;
    if (zset.set(member, score, node.encodingLimits)) adding.added++;
    else if (score !== old) adding.updated++;
  }
}

function wereAdded(client: Client, args: readonly string[], adding: Adding, isNew: boolean): void {
  const { db, reply } = client;
  const { zset, options, added, updated, result } = adding;
  const key = args[1]!;
  if (Number.isNaN(result)) {
    reply.error(NAN_SCORE);
    return;
  }
  if (!isNew) db.changed(key, zset);
  else if (zset.size > 0) db.put(key, zset);
  if (added + updated > 0) changed(client, 'z', options.incr ? 'zincr' : 'zadd', key, added + updated);
  if (!options.incr) reply.integer(options.ch ? added + updated : added);
  else if (result === undefined) reply.null();
  else reply.double(result);
}

function addMany(client: Client, args: readonly string[], adding: Adding, isNew: boolean): Walk {
  return walkArguments(
    args,
    adding.at,
    (from, to) => addSome(client, args, adding, from, to),
    () => wereAdded(client, args, adding, isNew),
  );
}

/** ZADD; `args` may also come from GEOADD, which is a ZADD of scores it computes. */
export function add(client: Client, args: readonly string[]): Walk | undefined {
  const { options, at } = addOptions(args);
  const left = args.length - at;
  const problem = left === 0 || left % 2 !== 0 ? SYNTAX : conflict(options, left / 2);
  if (problem === undefined) return addScores(client, args, at, options);
  client.reply.error(problem);
  return undefined;
}

function incrementBy(client: Client, args: readonly string[]): Walk | undefined {
  return addScores(client, args, 2, { nx: false, xx: false, gt: false, lt: false, ch: false, incr: true });
}

function remove(client: Client, args: readonly string[]): Walk | undefined {
  const zset = writeAs(client, args[1]!, 'zset');
  if (zset === null) return undefined;
  let removed = 0;
  const visit = (from: number, to: number): void => {
    for (let i = from; i < to; i++) if (zset?.delete(args[i]!) === true) removed++;
  };
  return overArguments(args, 2, visit, () => {
    if (zset !== undefined && removed > 0) {
      changed(client, 'z', 'zrem', args[1]!, removed);
      settle(client, args[1]!, zset);
    }
    client.reply.integer(removed);
  });
}

function scoreOrNull(client: Client, score: number | undefined): void {
  if (score === undefined) client.reply.null();
  else client.reply.double(score);
}

function score(client: Client, args: readonly string[]): void {
  const zset = readAs(client, args[1]!, 'zset');
  if (zset !== null) scoreOrNull(client, zset?.score(args[2]!));
}

function scores(client: Client, args: readonly string[]): Walk | undefined {
  const zset = readAs(client, args[1]!, 'zset');
  if (zset === null) return undefined;
  client.reply.array(args.length - 2);
  return inWindows(args.length - 2, (from, to) => {
    for (let i = from; i < to; i++) scoreOrNull(client, zset?.score(args[i + 2]!));
  });
}

function cardinality(client: Client, args: readonly string[]): void {
  const zset = readAs(client, args[1]!, 'zset');
  if (zset !== null) client.reply.integer(zset?.size ?? 0);
}

/** ZCOUNT and ZLEXCOUNT. */
function count(by: typeof byScore, error: string): Run {
  return (client, args) => {
    const find = by(args[2]!, args[3]!);
    if (find === undefined) {
      client.reply.error(error);
      return;
    }
    const zset = readAs(client, args[1]!, 'zset');
    if (zset === null) return;
    const { start, end } = zset === undefined ? { start: 0, end: -1 } : find(zset);
    client.reply.integer(Math.max(0, end - start + 1));
  };
}

/** ZRANK and ZREVRANK. */
function rank(reverse: boolean): Run {
  return (client, args) => {
    const { reply } = client;
    const withScore = args.length > 3;
    if (args.length > 4) {
      reply.error(wrongArity(args[0]!.toLowerCase()));
      return;
    }
    if (withScore && args[3]!.toUpperCase() !== 'WITHSCORE') {
      reply.error(SYNTAX);
      return;
    }
    const zset = readAs(client, args[1]!, 'zset');
    if (zset === null) return;
    const ascending = zset?.rank(args[2]!);
    if (zset === undefined || ascending === undefined) {
      if (withScore) reply.nullArray();
      else reply.null();
      return;
    }
    if (withScore) reply.array(2);
    reply.integer(reverse ? zset.size - 1 - ascending : ascending);
    if (withScore) reply.double(zset.score(args[2]!)!);
  };
}

function randomMember(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const withScores = args.length === 4 && args[3]!.toUpperCase() === 'WITHSCORES';
  const wanted = args.length > 2 ? pickCountArg(client, args[2]!, withScores) : undefined;
  if (args.length > 2 && wanted === undefined) return undefined;
  if (args.length > 4 || (args.length === 4 && !withScores)) {
    reply.error(SYNTAX);
    return undefined;
  }
  const zset = readAs(client, args[1]!, 'zset');
  if (zset === null) return undefined;
  const at = (index: number): string => {
    let found = '';
    zset?.range(index, index, (_, member) => {
      found = member;
    });
    return found;
  };
  const size = zset?.size ?? 0;
  const random = (): string => at(Math.floor(Math.random() * size));
  if (wanted === undefined) {
    reply.bulkOrNull(size === 0 ? undefined : random());
    return undefined;
  }
  return asNeeded(Math.abs(wanted), pick());
  function* pick(): Walk {
    const picked = yield* sample(size, wanted!, random, (visit) =>
      windows(size, (from, to) => zset!.range(from, to - 1, (_, member) => visit(member))),
    );
    reply.array(withScores && !reply.resp3 ? picked.length * 2 : picked.length);
    yield* windows(picked.length, (from, to) => {
      for (const member of picked.slice(from, to)) {
        if (withScores && reply.resp3) reply.array(2);
        reply.bulk(member);
        if (withScores) reply.double(zset!.score(member)!);
      }
    });
  }
}

const WRITE = 'write denyoom fast';
const READ = 'readonly fast';

export const zsetCommands: readonly CommandSpec[] = [
  zsetRow('zadd', -4, WRITE, '1.2.0', 'Adds members to a sorted set, or updates their scores.', add),
  zsetRow('zincrby', 4, WRITE, '1.2.0', 'Increments the score of a member in a sorted set.', incrementBy),
  zsetRow('zrem', -3, 'write fast', '1.2.0', 'Removes members from a sorted set.', remove),
  zsetRow('zscore', 3, READ, '1.2.0', 'Returns the score of a member in a sorted set.', score),
  zsetRow('zmscore', -3, READ, '6.2.0', 'Returns the scores of members in a sorted set.', scores),
  zsetRow('zcard', 2, READ, '1.2.0', 'Returns the number of members in a sorted set.', cardinality),
  zsetRow('zcount', 4, READ, '2.0.0', 'Returns the count of members within scores.', count(byScore, MIN_MAX_NOT_FLOAT)),
  zsetRow('zlexcount', 4, READ, '2.8.9', 'Returns the count of members by name.', count(byLex, MIN_MAX_NOT_STRING)),
  zsetRow('zrank', -3, READ, '2.0.0', 'Returns the index of a member by ascending scores.', rank(false)),
  zsetRow('zrevrank', -3, READ, '2.0.0', 'Returns the index of a member by descending scores.', rank(true)),
  zsetRow('zrandmember', -2, 'readonly', '6.2.0', 'Returns random members from a sorted set.', randomMember),
];
