import type { Client } from '../clients/server.ts';
import { ZSetValue } from '../keyspace/zset-value.ts';
import { MIN_MAX_NOT_FLOAT, MIN_MAX_NOT_STRING, SYNTAX } from '../protocol/errors.ts';
import { changed, integerArg, makeRoom, readAs, settle, writeAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { byLex, byScore } from './zset-bounds.ts';
import type { RankFinder, RankRange } from './zset-bounds.ts';
import { zsetRow } from './rows.ts';
import { asNeeded, inWindows, windows } from './walk.ts';
import type { Walk } from './walk.ts';

type By = 'rank' | 'score' | 'lex';

interface RangeRequest {
  readonly by: By;
  readonly key: string;
  readonly find: RankFinder;
  readonly reverse: boolean;
  readonly offset: number;
  /** Negative for all. */
  readonly limit: number;
  readonly withScores: boolean;
}

/** Ranks `start` to `end` as given to ZRANGE: negative counts from the end, and with REV rank 0 is the greatest. */
function byRank(start: number, end: number, reverse: boolean): RankFinder {
  return ({ size }) => {
    const first = Math.max(0, start < 0 ? start + size : start);
    const last = Math.min(size - 1, end < 0 ? end + size : end);
    return reverse ? { start: size - 1 - last, end: size - 1 - first } : { start: first, end: last };
  };
}

interface RangeForm {
  readonly by?: By;
  readonly reverse?: boolean;
  /** BYSCORE, BYLEX and REV may follow. */
  readonly open: boolean;
  readonly withScores: boolean;
}

/** Reads `key min max …` from `at` on; when something is wrong the error is replied and undefined returned. */
function rangeRequest(client: Client, args: readonly string[], at: number, form: RangeForm): RangeRequest | undefined {
  const { reply } = client;
  let by: By = form.by ?? 'rank';
  let reverse = form.reverse ?? false;
  let withScores = false;
  let offset = 0;
  let limit = -1;
  let limited = false;
  for (let i = at + 3; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    if (option === 'WITHSCORES' && form.withScores) withScores = true;
    else if (option === 'LIMIT' && i + 2 < args.length) {
      const skip = integerArg(client, args[i + 1]!);
      if (skip === undefined) return undefined;
      const most = integerArg(client, args[i + 2]!);
      if (most === undefined) return undefined;
      [offset, limit, limited] = [skip, most, true];
      i += 2;
    } else if (form.open && !reverse && option === 'REV') reverse = true;
    else if (form.open && by === 'rank' && option === 'BYSCORE') by = 'score';
    else if (form.open && by === 'rank' && option === 'BYLEX') by = 'lex';
    else {
      reply.error(SYNTAX);
      return undefined;
    }
  }
  if (limited && limit !== -1 && by === 'rank') {
    reply.error('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX');
    return undefined;
  }
  if (withScores && by === 'lex') {
    reply.error('ERR syntax error, WITHSCORES not supported in combination with BYLEX');
    return undefined;
  }
  const [low, high] = reverse && by !== 'rank' ? [args[at + 2]!, args[at + 1]!] : [args[at + 1]!, args[at + 2]!];
  const find = finder(client, by, low, high, reverse);
  return find === undefined ? undefined : { key: args[at]!, by, find, reverse, offset, limit, withScores };
}

function finder(client: Client, by: By, low: string, high: string, reverse: boolean): RankFinder | undefined {
  if (by === 'rank') {
    const start = integerArg(client, low);
    if (start === undefined) return undefined;
    const end = integerArg(client, high);
    return end === undefined ? undefined : byRank(start, end, reverse);
  }
  const find = by === 'score' ? byScore(low, high) : byLex(low, high);
  if (find === undefined) client.reply.error(by === 'score' ? MIN_MAX_NOT_FLOAT : MIN_MAX_NOT_STRING);
  return find;
}

/** The part of the ranks that LIMIT leaves. */
function limited({ start, end }: RankRange, { reverse, offset, limit }: RangeRequest): RankRange {
  if (offset < 0) return { start: 0, end: -1 };
  if (reverse) {
    const last = end - offset;
    return { start: limit < 0 ? start : Math.max(start, last - limit + 1), end: last };
  }
  const first = start + offset;
  return { start: first, end: limit < 0 ? end : Math.min(end, first + limit - 1) };
}

/** Visits what was asked for, in the order asked for, after telling how many there will be. */
function visitRange(
  zset: ZSetValue,
  request: RangeRequest,
  begin: (size: number) => void,
  visit: (score: number, member: string) => void,
): Walk | undefined {
  const { start, end } = limited(request.find(zset), request);
  const size = Math.max(0, end - start + 1);
  begin(size);
  if (!request.reverse) return inWindows(size, (from, to) => zset.range(start + from, start + to - 1, visit));
  return inWindows(size, (from, to) => {
    const members: string[] = [];
    const scores: number[] = [];
    zset.range(end - to + 1, end - from, (score, member) => {
      members.push(member);
      scores.push(score);
    });
    for (let i = members.length - 1; i >= 0; i--) visit(scores[i]!, members[i]!);
  });
}

/** ZRANGE and its older forms. */
function range(form: RangeForm): Run {
  return (client, args) => {
    const { reply } = client;
    const request = rangeRequest(client, args, 1, form);
    if (request === undefined) return undefined;
    const zset = readAs(client, request.key, 'zset');
    if (zset === null) return undefined;
    if (zset === undefined) {
      reply.array(0);
      return undefined;
    }
    const { withScores } = request;
    return visitRange(
      zset,
      request,
      (size) => reply.array(withScores && !reply.resp3 ? size * 2 : size),
      (score, member) => {
        if (withScores && reply.resp3) reply.array(2);
        reply.bulk(member);
        if (withScores) reply.double(score);
      },
    );
  };
}

function rangeStore(client: Client, args: readonly string[]): Walk | undefined {
  const { node, reply } = client;
  const request = rangeRequest(client, args, 2, { open: true, withScores: false });
  if (request === undefined) return undefined;
  const source = readAs(client, request.key, 'zset');
  if (source === null) return undefined;
  return asNeeded(source?.size ?? 0, store());
  function* store(): Walk {
    const limits = node.encodingLimits;
    const target = new ZSetValue();
    const begin = (size: number): void => {
      // Redis knows beforehand how many there are only where ranks are asked for.
      if (request!.by === 'rank' && size > limits.zsetEntries) target.convert();
    };
    const visit = (score: number, member: string): void => void target.set(member, score, limits);
    const walk = source === undefined ? undefined : visitRange(source!, request!, begin, visit);
    if (walk !== undefined) yield* walk;
    storeZSet(client, args[1]!, target, 'zrangestore');
    reply.integer(target.size);
  }
}

/** Puts a sorted set in the place of whatever a key holds; an empty one removes the key. */
export function storeZSet(client: Client, key: string, zset: ZSetValue, event: string): void {
  if (zset.size > 0) {
    client.db.replace(key, zset);
    changed(client, 'z', event, key);
  } else makeRoom(client, key);
}

/** ZREMRANGEBYRANK, ZREMRANGEBYSCORE and ZREMRANGEBYLEX. */
function removeRange(by: By): Run {
  return (client, args) => {
    const find = finder(client, by, args[2]!, args[3]!, false);
    if (find === undefined) return undefined;
    const zset = writeAs(client, args[1]!, 'zset');
    if (zset === null) return undefined;
    const { start, end } = zset === undefined ? { start: 0, end: -1 } : find(zset);
    const size = Math.max(0, end - start + 1);
    return asNeeded(size, remove());
    function* remove(): Walk {
      yield* windows(size, (from, to) => {
        const members: string[] = [];
        zset!.range(start, start + to - from - 1, (_, member) => members.push(member));
        for (const member of members) zset!.delete(member);
      });
      if (size > 0) {
        changed(client, 'z', `zremrangeby${by}`, args[1]!, size);
        settle(client, args[1]!, zset!);
      }
      client.reply.integer(size);
    }
  };
}

const READ = 'readonly';
const closed = (by: By, reverse: boolean): Run => range({ by, reverse, open: false, withScores: by !== 'lex' });

export const zsetRangeCommands: readonly CommandSpec[] = [
  zsetRow('zrange', -4, READ, '1.2.0', 'Returns members within a range.', range({ open: true, withScores: true })),
  zsetRow('zrevrange', -4, READ, '1.2.0', 'Returns members by rank, in reverse order.', closed('rank', true)),
  zsetRow('zrangebyscore', -4, READ, '1.0.5', 'Returns members within scores.', closed('score', false)),
  zsetRow('zrevrangebyscore', -4, READ, '2.2.0', 'Returns members within scores, reversed.', closed('score', true)),
  zsetRow('zrangebylex', -4, READ, '2.8.9', 'Returns members by name.', closed('lex', false)),
  zsetRow('zrevrangebylex', -4, READ, '2.8.9', 'Returns members by name, reversed.', closed('lex', true)),
  zsetRow('zrangestore', -5, 'write denyoom', '6.2.0', 'Stores a range of members in a key.', rangeStore, [1, 2, 1]),
  zsetRow('zremrangebyrank', 4, 'write', '2.0.0', 'Removes members within ranks.', removeRange('rank')),
  zsetRow('zremrangebyscore', 4, 'write', '1.2.0', 'Removes members within scores.', removeRange('score')),
  zsetRow('zremrangebylex', 4, 'write', '2.8.9', 'Removes members by name.', removeRange('lex')),
];
