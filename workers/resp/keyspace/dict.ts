import { fetchAhead } from './fetch-ahead.ts';
import type { FrozenShards } from './frozen.ts';
import { hashOf } from './key-hash.ts';
import { Shard, SHARD_CAPACITY } from './shard.ts';

/** Two neighbouring shards that hold fewer entries than this together become one again. */
const SHARD_MERGE = 64;
const DEPTH_MAX = 22;
/** A shard of more than so many entries is visited in so many parts, since what is done with an entry may take a while. */
const PART_MIN = 32;
const PARTS = 8;
/** What is smaller stays in the processor's cache by itself. */
const LARGE = 8192;
/** A Dict's own object. */
const DICT_BYTES = 96;

/** The new stamp of an entry from the one before, or the first. */
export type Restamp = (stamp: number | undefined) => number;

/** What a Dict keeps: `keysOnly` a set, without values; `stamped` a small integer beside each entry. */
export interface DictOptions {
  readonly keysOnly?: boolean;
  readonly stamped?: boolean;
}

/**
 * A map from byte strings that can be scanned with a stateless cursor, sampled, and grown without a pause.
 *
 * A JavaScript Map has neither a seekable order nor random access, and doubles in one go. Here the entries are spread
 * over many small shards by extendible hashing on the high bits of a hash. The scan order is the order of the hash,
 * which no split or merge changes, so a cursor is simply the next hash to visit: an element that stays is returned
 * exactly once, whatever happens to others meanwhile. The shards are few large objects, which spares the garbage
 * collector, and know what they take.
 */
export class Dict<V> {
  size = 0;
  /** Bytes of the tables, without the keys and values in them. */
  bytes: number;
  /** Set while someone takes the entries as they were at one instant. */
  frozen: FrozenShards<V> | undefined;
  private readonly keysOnly: boolean;
  private readonly stamped: boolean;
  private only: Shard<V> | undefined;
  private directory: Shard<V>[] = [];
  private depth = 0;
  /** How many shards are as deep as the directory. */
  private deepest = 0;

  constructor({ keysOnly = false, stamped = false }: DictOptions = {}) {
    this.keysOnly = keysOnly;
    this.stamped = stamped;
    this.only = new Shard(keysOnly, stamped);
    this.bytes = DICT_BYTES + this.only.bytes;
  }

  /** The shard of a key; `hash` must be right unless the only shard does without it. */
  private shardOf(hash: number): Shard<V> {
    return this.only ?? this.directory[hash >>> (32 - this.depth)]!;
  }

  private hashFor(key: string): number {
    return this.only === undefined ? hashOf(key) : this.only.hashFor(key);
  }

  get(key: string): V | undefined {
    const hash = this.hashFor(key);
    const shard = this.shardOf(hash);
    const at = shard.find(key, hash);
    return at < 0 ? undefined : shard.values[at];
  }

  has(key: string): boolean {
    const hash = this.hashFor(key);
    return this.shardOf(hash).find(key, hash) >= 0;
  }

  /** As `get`, and gives the entry a new stamp: `now`, or what `restamp` makes of the old one. */
  use(key: string, now: number, restamp: Restamp | undefined): V | undefined {
    const hash = this.hashFor(key);
    const shard = this.shardOf(hash);
    const at = shard.find(key, hash);
    if (at < 0) return undefined;
    shard.stamps![at] = restamp === undefined ? now : restamp(shard.stamps![at]);
    return shard.values[at];
  }

  /** The key as it is kept here, so that another Dict can share the string; undefined when it is not here. */
  keyOf(key: string): string | undefined {
    const hash = this.hashFor(key);
    const shard = this.shardOf(hash);
    const at = shard.find(key, hash);
    return at < 0 ? undefined : shard.keys[at];
  }

  /** The stamp of a key; undefined when it is not here. */
  stampOf(key: string): number | undefined {
    const hash = this.hashFor(key);
    const shard = this.shardOf(hash);
    const at = shard.find(key, hash);
    return at < 0 ? undefined : shard.stamps![at];
  }

  /** Gives an entry another stamp. */
  setStamp(key: string, stamp: number): void {
    this.use(key, stamp, undefined);
  }

  /** Adds or replaces, and says whether the key is new. A new entry gets the stamp. */
  set(key: string, value: V, stamp = 0): boolean {
    const { size } = this;
    this.exchange(key, value, stamp, undefined);
    return this.size !== size;
  }

  /** Adds or replaces, and returns the value before. The stamp becomes `now`; with `restamp` only a new entry gets one. */
  exchange(key: string, value: V, now: number, restamp: Restamp | undefined): V | undefined {
    const hash = this.hashFor(key);
    const shard = this.shardOf(hash);
    if (this.frozen !== undefined) this.frozen.touch(shard);
    const at = shard.find(key, hash);
    if (at >= 0) {
      const old = shard.values[at];
      if (!this.keysOnly) shard.values[at] = value;
      if (this.stamped && restamp === undefined) shard.stamps![at] = now;
      return old;
    }
    const before = shard.bytes;
    shard.add(key, hash, value, restamp === undefined ? now : restamp(undefined));
    this.bytes += shard.bytes - before;
    this.size++;
    if (shard.size >= SHARD_CAPACITY) this.split(shard, hash);
    return undefined;
  }

  delete(key: string): boolean {
    const { size } = this;
    this.take(key);
    return this.size !== size;
  }

  /** Removes an entry and returns its value. */
  take(key: string): V | undefined {
    const hash = this.hashFor(key);
    const shard = this.shardOf(hash);
    const at = shard.find(key, hash);
    if (at < 0) return undefined;
    if (this.frozen !== undefined) this.frozen.touch(shard);
    const value = shard.values[at];
    const before = shard.bytes;
    shard.removeAt(at);
    this.bytes += shard.bytes - before;
    this.size--;
    if (this.only === undefined && shard.size < SHARD_MERGE / 2) this.merge(shard, hash);
    return value;
  }

  /** Has the processor fetch what the next commands, about entries of so many hashes, are going to look at. See fetch-ahead.ts. */
  fetchAhead(hashes: Int32Array, count: number): void {
    if (this.only === undefined) fetchAhead(this.directory, 32 - this.depth, hashes, count);
  }

  /** Whether it is more than what the processor keeps at hand. */
  get isLarge(): boolean {
    return this.size >= LARGE;
  }

  /** Calls `visit` for every entry, in no promised order. Nothing may be added or removed meanwhile. */
  forEach(visit: (value: V, key: string) => void): void {
    for (const { keys, values, size } of this.shards()) for (let i = 0; i < size; i++) visit(values[i]!, keys[i]!);
  }

  keys(): string[] {
    const all: string[] = [];
    for (const { keys, size } of this.shards()) for (let i = 0; i < size; i++) all.push(keys[i]!);
    return all;
  }

  /**
   * Visits about `count` entries from `cursor` (0 to start) on and returns the cursor to go on from, 0 at the end.
   * The work is bounded: at most ten shards are looked at for each entry asked for.
   */
  scan(cursor: number, count: number, visit: (value: V, key: string) => void): number {
    if (cursor === 0 && count >= this.size && this.only !== undefined) {
      const { keys, values, size } = this.only;
      const [allKeys, allValues] = [keys.slice(0, size), values.slice(0, size)];
      for (const [i, key] of allKeys.entries()) visit(allValues[i]!, key);
      return 0;
    }
    let from = cursor;
    let found = 0;
    for (let shards = 0; from <= 0xffff_ffff && found < count && shards < count * 10; shards++) {
      const shard = this.shardOf(from);
      let next = this.endOf(shard, from);
      const due = dueFrom(shard, from);
      for (const { key, hash } of due) {
        if (found >= count && hash >= from) {
          next = hash;
          break;
        }
        const at = shard.find(key, hash | 0);
        if (at >= 0) visit(shard.values[at]!, key);
        found++;
        from = hash + 1;
      }
      from = next;
    }
    return from > 0xffff_ffff ? 0 : from;
  }

  /** About how many steps of `scanShard` a whole round takes. */
  get shardCount(): number {
    return this.only === undefined ? this.directory.length : 1;
  }

  /** Visits the entries of one whole shard, from `cursor` on, and returns the cursor of the next, 0 at the end. */
  scanShard(cursor: number, visit: (value: V, key: string) => void): number {
    const shard = this.shardOf(cursor);
    for (let i = shard.size - 1; i >= 0; i--) visit(shard.values[i]!, shard.keys[i]!);
    const next = this.endOf(shard, cursor);
    return next > 0xffff_ffff ? 0 : next;
  }

  /**
   * Visits some entries, those of a part of one shard that lie at `cursor` or after it in the scan order, in no order, and returns
   * the cursor to go on from, 0 at the end. What a scan with greater cursors has passed is as `position` says, which is given too.
   */
  visitPart(cursor: number, visit: (value: V, key: string, position: number) => void): number {
    const shard = this.shardOf(cursor);
    const { keys, values, hashes, size } = shard;
    const end = this.endOf(shard, cursor);
    const start = end - 2 ** (32 - shard.depth);
    const part = size > PART_MIN ? (end - start) / PARTS : end - start;
    const next = start + (Math.floor((cursor - start) / part) + 1) * part;
    for (let i = 0; i < size; i++) {
      const position = (hashes === undefined ? hashOf(keys[i]!) : hashes[i]!) >>> 0;
      if (position >= cursor && position < next) visit(values[i]!, keys[i]!, position);
    }
    return next > 0xffff_ffff ? 0 : next;
  }

  /** Visits the entries whose positions in the scan order differ from `from` only in the `shift` last bits, in no order. */
  visitRange(from: number, shift: number, visit: (value: V, key: string, position: number) => void): void {
    const range = from >>> shift;
    const end = from + 2 ** shift;
    for (let at = from; at < end;) {
      const shard = this.shardOf(at);
      const { keys, values, hashes, size } = shard;
      for (let i = 0; i < size; i++) {
        const hash = hashes === undefined ? hashOf(keys[i]!) : hashes[i]!;
        if (hash >>> shift === range) visit(values[i]!, keys[i]!, hash >>> 0);
      }
      at = this.endOf(shard, at);
    }
  }

  /** Gives one whole shard, the one that `cursor` lies in, and returns the cursor of the next, 0 at the end. */
  takeShard(cursor: number, take: (shard: Shard<V>) => void): number {
    const shard = this.shardOf(cursor);
    take(shard);
    const next = this.endOf(shard, cursor);
    return next > 0xffff_ffff ? 0 : next;
  }

  /** Where `key` lies in the scan order: a scan whose cursor is greater has passed it. */
  position(key: string): number {
    return hashOf(key) >>> 0;
  }

  /** A key picked about uniformly, or undefined when there is none. */
  randomKey(): string | undefined {
    if (this.size === 0) return undefined;
    const { directory, only } = this;
    let slot = Math.floor(Math.random() * directory.length);
    let shard = only ?? directory[slot]!;
    while (shard.size === 0) shard = directory[++slot % directory.length]!;
    return shard.keys[Math.floor(Math.random() * shard.size)];
  }

  private *shards(): Generator<Shard<V>> {
    if (this.only !== undefined) {
      yield this.only;
      return;
    }
    for (let from = 0; from <= 0xffff_ffff;) {
      const shard = this.shardOf(from);
      yield shard;
      from = this.endOf(shard, from);
    }
  }

  /** The first hash after those of a shard, of which `hash` is one. */
  private endOf({ depth }: Shard<V>, hash: number): number {
    if (depth === 0) return 0x1_0000_0000;
    return ((hash >>> (32 - depth)) + 1) * 2 ** (32 - depth);
  }

  /** The first of the directory's slots for a shard, of which `hash` is one, and how many there are. */
  private slotsOf({ depth }: Shard<V>, hash: number): { first: number; width: number } {
    const width = 1 << (this.depth - depth);
    return { first: (hash >>> (32 - this.depth)) & ~(width - 1), width };
  }

  private split(shard: Shard<V>, hash: number): void {
    if (this.only !== undefined) {
      this.only = undefined;
      this.directory = [shard];
    }
    if (shard.depth === this.depth) {
      // Keys chosen to collide must not blow up the directory, so it stays in proportion to the entries.
      if (this.depth >= DEPTH_MAX || this.directory.length * 16 > this.size) return;
      this.directory = this.directory.flatMap((each) => [each, each]);
      this.depth++;
      this.deepest = 0;
    }
    const before = shard.bytes;
    const { first, width } = this.slotsOf(shard, hash);
    const high = shard.splitOff();
    this.frozen?.splitOff(high);
    this.directory.fill(high, first + width / 2, first + width);
    if (shard.depth === this.depth) this.deepest += 2;
    this.bytes += shard.bytes + high.bytes - before + 8 * 2;
  }

  private merge(shard: Shard<V>, hash: number): void {
    const { first, width } = this.slotsOf(shard, hash);
    const buddy = this.directory[first ^ width]!;
    if (buddy.depth !== shard.depth || shard.size + buddy.size >= SHARD_MERGE) return;
    this.frozen?.touch(buddy);
    const bytes = shard.bytes + buddy.bytes;
    if (shard.depth === this.depth) this.deepest -= 2;
    for (let i = 0; i < buddy.size; i++) copyEntry(buddy, i, shard);
    shard.depth--;
    this.bytes += shard.bytes - bytes - 8 * 2;
    if (shard.depth === 0) {
      this.only = shard;
      this.directory = [];
      this.depth = 0;
      return;
    }
    const start = Math.min(first, first ^ width);
    this.directory.fill(shard, start, start + width * 2);
    while (this.deepest === 0) this.shrink();
  }

  private shrink(): void {
    this.directory = this.directory.filter((_, slot) => slot % 2 === 0);
    this.depth--;
    this.deepest = this.directory.filter(({ depth }) => depth === this.depth).length;
  }
}

function copyEntry<V>(from: Shard<V>, at: number, to: Shard<V>): void {
  const key = from.keys[at]!;
  to.add(key, from.hashes?.[at] ?? hashOf(key), from.values[at]!, from.stamps?.[at] ?? 0);
}

/** The entries of a shard from a place in the scan order on, in that order. */
function dueFrom<V>({ keys, hashes, size }: Shard<V>, from: number): { key: string; hash: number }[] {
  const due: { key: string; hash: number }[] = [];
  for (let i = 0; i < size; i++) {
    const hash = (hashes?.[i] ?? hashOf(keys[i]!)) >>> 0;
    if (hash >= from) due.push({ key: keys[i]!, hash });
  }
  return due.sort((a, b) => a.hash - b.hash);
}
