import type { Client } from '../clients/server.ts';
import type { SetValue } from '../keyspace/set-value.ts';
import type { EncodingLimits } from '../keyspace/sizes.ts';
import { ZSetValue } from '../keyspace/zset-value.ts';
import { SYNTAX, WRONG_TYPE } from '../protocol/errors.ts';
import { doubleArg, integerArg, integerFrom } from './arguments.ts';
import { countedKeys } from './command.ts';
import type { CommandSpec, Run } from './command.ts';
import { storeZSet } from './zset-ranges.ts';
import { zsetRow } from './rows.ts';
import { asNeeded, byCursor, windows } from './walk.ts';
import type { Walk } from './walk.ts';

type Combination = 'union' | 'inter' | 'diff';
type Aggregate = 'SUM' | 'MIN' | 'MAX';
/** Members of plain sets count with a score of 1. */
type Source = ZSetValue | SetValue | undefined;

interface CombineRequest {
  readonly sources: readonly Source[];
  readonly weights: readonly number[];
  readonly aggregate: Aggregate;
  readonly withScores: boolean;
}

/** Looks the sources up; undefined when one is of another type (the error was sent). */
function sourcesOf(client: Client, keys: readonly string[]): Source[] | undefined {
  const sources: Source[] = [];
  for (const key of keys) {
    const value = client.db.read(key);
    if (value !== undefined && (typeof value === 'string' || (value.kind !== 'zset' && value.kind !== 'set'))) {
      client.reply.error(WRONG_TYPE);
      return undefined;
    }
    sources.push(value);
  }
  return sources;
}

/** Reads `numkeys key [key …] [WEIGHTS …] [AGGREGATE …] [WITHSCORES]` from `at` on. */
function combineRequest(
  client: Client,
  args: readonly string[],
  at: number,
  how: Combination,
  stores: boolean,
): CombineRequest | undefined {
  const { reply } = client;
  const numKeys = keyCount(client, args, at, `z${how}${stores ? 'store' : ''}`);
  if (numKeys === undefined) return undefined;
  const sources = sourcesOf(client, args.slice(at + 1, at + 1 + numKeys));
  if (sources === undefined) return undefined;
  const weights = sources.map(() => 1);
  let aggregate: Aggregate = 'SUM';
  let withScores = false;
  for (let i = at + 1 + numKeys; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    if (option === 'WEIGHTS' && how !== 'diff' && i + numKeys < args.length) {
      for (let w = 0; w < numKeys; w++) {
        const weight = doubleArg(client, args[++i]!, 'ERR weight value is not a float');
        if (weight === undefined) return undefined;
        weights[w] = weight;
      }
    } else if (option === 'AGGREGATE' && how !== 'diff' && i + 1 < args.length) {
      const wanted = args[++i]!.toUpperCase();
      if (wanted !== 'SUM' && wanted !== 'MIN' && wanted !== 'MAX') {
        reply.error(SYNTAX);
        return undefined;
      }
      aggregate = wanted;
    } else if (option === 'WITHSCORES' && !stores) withScores = true;
    else {
      reply.error(SYNTAX);
      return undefined;
    }
  }
  return { sources, weights, aggregate, withScores };
}

function eachScore(source: Source, weight: number, visit: (score: number, member: string) => void): Walk {
  if (source?.kind === 'set') {
    return byCursor((cursor, count) => source.scan(cursor, count, (member) => visit(weight, member)));
  }
  return windows(source?.size ?? 0, (from, to) => {
    source?.range(from, to - 1, (score, member) => {
      const weighted = score * weight;
      // Infinity times zero counts as zero.
      visit(Number.isNaN(weighted) ? 0 : weighted, member);
    });
  });
}

function scoreIn(source: Source, member: string): number | undefined {
  if (source?.kind === 'set') return source.has(member) ? 1 : undefined;
  return source?.score(member);
}

function join(aggregate: Aggregate, a: number, b: number): number {
  // Of two zeros, and of a number and none, the first counts.
  if (aggregate === 'MIN') return b < a ? b : a;
  if (aggregate === 'MAX') return b > a ? b : a;
  // Infinities of both signs cancel out.
  return Number.isNaN(a + b) ? 0 : a + b;
}

/** Puts the union, intersection or difference into `result`. */
function* combine(how: Combination, request: CombineRequest, result: ZSetValue, limits: EncodingLimits): Walk {
  const { sources, weights, aggregate } = request;
  const add = (score: number, member: string): void => {
    result.put(member, score, limits);
  };
  // From the smallest to the largest, as in Redis, since it decides between two zeros and how sums are rounded.
  const order = sources
    .map((source, i) => ({ source, weight: weights[i]! }))
    .toSorted((a, b) => (a.source?.size ?? 0) - (b.source?.size ?? 0));
  if (how === 'union') {
    for (const { source, weight } of order) {
      yield* eachScore(source, weight, (score, member) => {
        const old = result.score(member);
        add(old === undefined ? score : join(aggregate, old, score), member);
      });
    }
    return;
  }
  if (how === 'diff') {
    const [first, ...others] = sources;
    yield* eachScore(first, 1, (score, member) => {
      if (!others.some((other) => scoreIn(other, member) !== undefined)) add(score, member);
    });
    return;
  }
  if (sources.some((source) => source === undefined)) return;
  const [smallest, ...others] = order;
  yield* eachScore(smallest!.source, smallest!.weight, (score, member) => {
    let total = score;
    for (const { source, weight } of others) {
      const other = scoreIn(source, member);
      if (other === undefined) return;
      total = join(aggregate, total, other * weight);
    }
    add(total, member);
  });
}

function sizeOf({ sources }: Pick<CombineRequest, 'sources'>): number {
  return sources.reduce((sum, source) => sum + (source?.size ?? 0), 0);
}

/** ZUNION, ZINTER and ZDIFF: by ascending score, then by bytes. */
function combined(how: Combination): Run {
  return (client, args) => {
    const request = combineRequest(client, args, 1, how, false);
    return request === undefined ? undefined : asNeeded(sizeOf(request), answer(client, how, request));
  };
}

function* answer(client: Client, how: Combination, request: CombineRequest): Walk {
  const { reply, node } = client;
  const sorted = new ZSetValue();
  yield* combine(how, request, sorted, node.encodingLimits);
  const { withScores } = request;
  reply.array(withScores && !reply.resp3 ? sorted.size * 2 : sorted.size);
  yield* windows(sorted.size, (from, to) =>
    sorted.range(from, to - 1, (score, member) => {
      if (withScores && reply.resp3) reply.array(2);
      reply.bulk(member);
      if (withScores) reply.double(score);
    }),
  );
}

/** ZUNIONSTORE, ZINTERSTORE and ZDIFFSTORE. */
function combinedStore(how: Combination): Run {
  return (client, args) => {
    const request = combineRequest(client, args, 2, how, true);
    if (request === undefined) return undefined;
    return asNeeded(sizeOf(request), store());
    function* store(): Walk {
      const zset = new ZSetValue();
      yield* combine(how, request!, zset, client.node.encodingLimits);
      zset.complete();
      storeZSet(client, args[1]!, zset, `z${how}store`);
      client.reply.integer(zset.size);
    }
  };
}

/** Reads the number of keys at `at`; `name` is the command's, for the error. */
function keyCount(client: Client, args: readonly string[], at: number, name: string): number | undefined {
  const { reply } = client;
  const numKeys = integerArg(client, args[at]!);
  if (numKeys === undefined) return undefined;
  if (numKeys < 1) reply.error(`ERR at least 1 input key is needed for '${name}' command`);
  else if (numKeys > args.length - at - 1) reply.error(SYNTAX);
  else return numKeys;
  return undefined;
}

function interCard(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const numKeys = keyCount(client, args, 1, 'zintercard');
  if (numKeys === undefined) return undefined;
  const sources = sourcesOf(client, args.slice(2, 2 + numKeys));
  if (sources === undefined) return undefined;
  let limit = 0;
  for (let i = 2 + numKeys; i < args.length; i += 2) {
    if (args[i]!.toUpperCase() !== 'LIMIT' || i + 1 >= args.length) {
      reply.error(SYNTAX);
      return undefined;
    }
    const wanted = integerFrom(client, args[i + 1]!, 0, "ERR LIMIT can't be negative");
    if (wanted === undefined) return undefined;
    limit = wanted;
  }
  const request = { sources, weights: sources.map(() => 1), aggregate: 'SUM', withScores: false } as const;
  return asNeeded(sizeOf(request), count());
  function* count(): Walk {
    const common = new ZSetValue();
    yield* combine('inter', request, common, client.node.encodingLimits);
    reply.integer(limit === 0 ? common.size : Math.min(limit, common.size));
  }
}

const STORE = 'write denyoom';
const STORE_KEYS = countedKeys(2, [1]);

export const zsetCombineCommands: readonly CommandSpec[] = [
  zsetRow('zunion', -3, 'readonly', '6.2.0', 'Returns the union of sorted sets.', combined('union'), countedKeys(1)),
  zsetRow(
    'zinter',
    -3,
    'readonly',
    '6.2.0',
    'Returns the intersect of sorted sets.',
    combined('inter'),
    countedKeys(1),
  ),
  zsetRow('zdiff', -3, 'readonly', '6.2.0', 'Returns the difference of sorted sets.', combined('diff'), countedKeys(1)),
  zsetRow('zunionstore', -4, STORE, '2.0.0', 'Stores the union of sorted sets.', combinedStore('union'), STORE_KEYS),
  zsetRow(
    'zinterstore',
    -4,
    STORE,
    '2.0.0',
    'Stores the intersect of sorted sets.',
    combinedStore('inter'),
    STORE_KEYS,
  ),
  zsetRow('zdiffstore', -4, STORE, '6.2.0', 'Stores the difference of sorted sets.', combinedStore('diff'), STORE_KEYS),
  zsetRow('zintercard', -3, 'readonly', '7.0.0', 'Returns the size of an intersect.', interCard, countedKeys(1)),
];
