import { Dict } from './dict.ts';
import { RankTree } from './rank-tree.ts';
import type { Before } from './rank-tree.ts';
import { DEFAULT_LIMITS, DICT_ENTRY_BYTES, OBJECT_BYTES, stringBytes } from './sizes.ts';
import type { EncodingLimits } from './sizes.ts';

/** A sorted set: a tree by rank, and above Redis's listpack limits a Dict from member to score beside it. */
export class ZSetValue {
  bytes = OBJECT_BYTES * 2;
  charged = 0;
  private readonly tree = new RankTree();
  private scores: Dict<number> | undefined;

  get kind() {
    return 'zset' as const;
  }

  get encoding(): 'listpack' | 'skiplist' {
    return this.scores === undefined ? 'listpack' : 'skiplist';
  }

  get size(): number {
    return this.tree.size;
  }

  score(member: string): number | undefined {
    return this.scores === undefined ? this.tree.search(member) : this.scores.get(member);
  }

  /** Sets a member's score and says whether the member is new. */
  set(member: string, score: number, limits: EncodingLimits = DEFAULT_LIMITS): boolean {
    const old = this.score(member);
    if (old === score) return false;
    if (old !== undefined) this.tree.delete(old, member);
    else {
      this.bytes += 16 + stringBytes(member) + (this.scores === undefined ? 0 : DICT_ENTRY_BYTES + 16);
      if (this.scores === undefined && (this.size >= limits.zsetEntries || member.length > limits.zsetValue)) {
        this.convert();
      }
    }
    this.tree.insert(score, member);
    this.scores?.set(member, score);
    return old === undefined;
  }

  private convert(): void {
    const scores = new Dict<number>();
    this.forEach((score, member) => scores.set(member, score));
    this.bytes += (DICT_ENTRY_BYTES + 16) * (scores.size + 1) + 200;
    this.scores = scores;
  }

  delete(member: string): boolean {
    const score = this.score(member);
    if (score === undefined) return false;
    this.tree.delete(score, member);
    this.scores?.delete(member);
    this.bytes -= 16 + stringBytes(member) + (this.scores === undefined ? 0 : DICT_ENTRY_BYTES + 16);
    return true;
  }

  /** The 0-based rank by ascending score, or undefined. */
  rank(member: string): number | undefined {
    const score = this.score(member);
    return score === undefined ? undefined : this.tree.rank(score, member);
  }

  /** How many entries lie before the first one for which `before` is false. */
  rankOf(before: Before): number {
    return this.tree.rankOf(before);
  }

  /** Visits the entries of rank `start` to `end` (inclusive, in range), by ascending score. */
  range(start: number, end: number, visit: (score: number, member: string) => void): void {
    this.tree.range(start, end, visit);
  }

  forEach(visit: (score: number, member: string) => void): void {
    this.tree.range(0, this.tree.size - 1, visit);
  }

  /** As `Dict.scan`; a compact sorted set is returned whole. */
  scan(cursor: number, count: number, visit: (score: number, member: string) => void): number {
    if (this.scores !== undefined) return this.scores.scan(cursor, count, visit);
    this.forEach(visit);
    return 0;
  }
}
