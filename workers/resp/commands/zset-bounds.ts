import type { ZSetValue } from '../keyspace/zset-value.ts';
import { parseDouble } from '../protocol/numbers.ts';

/** The ranks `start` to `end` (inclusive); empty when `start` is greater. */
export interface RankRange {
  readonly start: number;
  readonly end: number;
}

interface ScoreBound {
  readonly score: number;
  readonly exclusive: boolean;
}

/** As strtod reads a bound: nothing is zero, and what is too large is infinite. */
function parseBound(bytes: string): number | undefined {
  const text = bytes.split('\0', 1)[0]!;
  if (text === '') return 0;
  return parseDouble(text) ?? (/^[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined);
}

function scoreBound(text: string): ScoreBound | undefined {
  const exclusive = text.startsWith('(');
  const score = parseBound(exclusive ? text.slice(1) : text);
  return score === undefined ? undefined : { score, exclusive };
}

/** A range of ranks once the sorted set is known. */
export type RankFinder = (zset: ZSetValue) => RankRange;

/** Ranks of the scores from `min` to `max`; undefined when a bound is no float. */
export function byScore(min: string, max: string): RankFinder | undefined {
  const low = scoreBound(min);
  const high = scoreBound(max);
  if (low === undefined || high === undefined) return undefined;
  return (zset) => ({
    start: zset.rankOf((score) => (low.exclusive ? score <= low.score : score < low.score)),
    end: zset.rankOf((score) => (high.exclusive ? score < high.score : score <= high.score)) - 1,
  });
}

interface LexBound {
  readonly member: string;
  readonly exclusive: boolean;
  /** -1 lies before all members, 1 after all. */
  readonly infinite: -1 | 0 | 1;
}

function lexBound(text: string): LexBound | undefined {
  if (text === '-') return { member: '', exclusive: false, infinite: -1 };
  if (text === '+') return { member: '', exclusive: false, infinite: 1 };
  if (text.startsWith('[')) return { member: text.slice(1), exclusive: false, infinite: 0 };
  if (text.startsWith('(')) return { member: text.slice(1), exclusive: true, infinite: 0 };
  return undefined;
}

/** Ranks of the members from `min` to `max`, all scores being equal; undefined when a bound is no range item. */
export function byLex(min: string, max: string): RankFinder | undefined {
  const low = lexBound(min);
  const high = lexBound(max);
  if (low === undefined || high === undefined) return undefined;
  const before = (bound: LexBound, member: string, orEqual: boolean): boolean =>
    bound.infinite !== 0 ? bound.infinite > 0 : member < bound.member || (orEqual && member === bound.member);
  return (zset) => ({
    start: zset.rankOf((_, member) => before(low, member, low.exclusive)),
    end: zset.rankOf((_, member) => before(high, member, !high.exclusive)) - 1,
  });
}
