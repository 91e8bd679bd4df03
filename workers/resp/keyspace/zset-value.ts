import { Dict } from './dict.ts';
import { FrozenShards } from './frozen.ts';
import type { Frozen } from './frozen.ts';
import { RankTree } from './rank-tree.ts';
import type { Before } from './rank-tree.ts';
import { boxBytes, DEFAULT_LIMITS, OBJECT_BYTES, stringBytes } from './sizes.ts';
import type { EncodingLimits } from './sizes.ts';

/** A sorted set: a tree by rank, and above Redis's listpack limits a Dict from member to score beside it. */
export class ZSetValue {
  charged = 0;
  /** Bytes of the members themselves, and of scores in the Dict. */
  private payload = 0;
  private readonly tree = new RankTree();
  private scores: Dict<number> | undefined;

  get kind() {
    return 'zset' as const;
  }

  get encoding(): 'listpack' | 'skiplist' {
    return this.scores === undefined ? 'listpack' : 'skiplist';
  }

  /** Bytes of all it holds. */
  get bytes(): number {
    return OBJECT_BYTES + this.payload + this.tree.bytes + (this.scores?.bytes ?? 0);
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
    return old !== score && this.place(member, old, score, limits, false);
  }

  /**
   * As `set`, for a value that is being put together: zeros keep their sign until it is `complete`. Redis puts results together as
   * skiplists, which have two zeros, where its listpacks have one.
   */
  put(member: string, score: number, limits: EncodingLimits = DEFAULT_LIMITS): boolean {
    const old = this.score(member);
    return !Object.is(old, score) && this.place(member, old, score, limits, true);
  }

  /** What was put together is whole. */
  complete(): void {
    if (this.scores !== undefined) return;
    const below: string[] = [];
    this.forEach((score, member) => {
      if (Object.is(score, -0)) below.push(member);
    });
    for (const member of below) {
      this.tree.delete(0, member);
      this.tree.insert(0, member);
    }
  }

  private place(
    member: string,
    old: number | undefined,
    score: number,
    limits: EncodingLimits,
    signed: boolean,
  ): boolean {
    let kept = member;
    if (old !== undefined) {
      this.tree.delete(old, member);
      // Both structures go on sharing one string.
      if (this.scores !== undefined) {
        kept = this.scores.keyOf(member)!;
        this.payload -= boxBytes(old);
      }
    } else {
      this.payload += stringBytes(member);
      if (this.scores === undefined && (this.size >= limits.zsetEntries || member.length > limits.zsetValue)) {
        this.convert();
      }
    }
    this.tree.insert(signed || this.scores !== undefined ? score : score + 0, kept);
    if (this.scores !== undefined) {
      this.scores.set(kept, score);
      this.payload += boxBytes(score);
    }
    return old === undefined;
  }

  /** Becomes a skiplist whatever it holds, as Redis does with one that is about to get many members. */
  convert(): void {
    if (this.scores !== undefined) return;
    const scores = new Dict<number>();
    this.forEach((score, member) => {
      scores.set(member, score);
      this.payload += boxBytes(score);
    });
    this.scores = scores;
  }

  delete(member: string): boolean {
    const score = this.score(member);
    if (score === undefined) return false;
    this.tree.delete(score, member);
    if (this.scores?.delete(member) === true) this.payload -= boxBytes(score);
    this.payload -= stringBytes(member);
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

  /** Hands on all members as they are now, in no order and part by part, while they change; undefined for a compact one. */
  freeze(emit: (member: string, score: number) => void): Frozen | undefined {
    return this.scores === undefined ? undefined : new FrozenShards(this.scores, emit);
  }

  /** As `Dict.scan`; a compact sorted set is returned whole. */
  scan(cursor: number, count: number, visit: (score: number, member: string) => void): number {
    if (this.scores !== undefined) return this.scores.scan(cursor, count, visit);
    this.forEach(visit);
    return 0;
  }
}
