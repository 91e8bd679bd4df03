/** How many entries a shard holds before it is split: small enough to walk for one SCAN step, large enough to cost little. */
const SHARD_MAX = 256;
/** Two neighbouring shards that hold fewer entries than this together become one again. */
const SHARD_MERGE = 64;
const DEPTH_MAX = 22;
const HASH_SEED = (Math.random() * 0x1_0000_0000) >>> 0;

/** A 32-bit hash of a byte string, seeded per process. Only the ends of very long keys are read. */
function hashOf(key: string): number {
  const { length } = key;
  let hash = HASH_SEED ^ length;
  if (length <= 256) {
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x5bd1e995);
  } else {
    for (let i = 0; i < 128; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x5bd1e995);
    for (let i = length - 128; i < length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x5bd1e995);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * A map from byte strings that can be scanned with a stateless cursor, sampled, and grown without a pause.
 *
 * A JavaScript Map has neither a seekable order nor random access, and doubles in one go. Here the entries are spread
 * over many small Maps by extendible hashing on the high bits of a hash. The scan order is the order of the hash, which
 * no split or merge changes, so a cursor is simply the next hash to visit: an element that stays is returned exactly
 * once, whatever happens to others meanwhile. Up to 256 entries there is one Map and no hashing at all.
 */
export class Dict<V> {
  size = 0;
  private only: Map<string, V> | undefined = new Map();
  private directory: Map<string, V>[] = [];
  private depths: number[] = [];
  private depth = 0;
  private deepest = 0;

  private shardOf(key: string): Map<string, V> {
    return this.only ?? this.directory[hashOf(key) >>> (32 - this.depth)]!;
  }

  get(key: string): V | undefined {
    const only = this.only;
    return only !== undefined ? only.get(key) : this.directory[hashOf(key) >>> (32 - this.depth)]!.get(key);
  }

  has(key: string): boolean {
    return this.shardOf(key).has(key);
  }

  /** Adds or replaces, and says whether the key is new. */
  set(key: string, value: V): boolean {
    const shard = this.shardOf(key);
    const before = shard.size;
    shard.set(key, value);
    if (shard.size === before) return false;
    this.size++;
    if (before >= SHARD_MAX) this.split(key);
    return true;
  }

  delete(key: string): boolean {
    const shard = this.shardOf(key);
    if (!shard.delete(key)) return false;
    this.size--;
    if (this.only === undefined && shard.size < SHARD_MERGE / 2) this.merge(key);
    return true;
  }

  clear(): void {
    this.size = 0;
    this.only = new Map();
    this.directory = [];
    this.depths = [];
    this.depth = 0;
    this.deepest = 0;
  }

  /** Calls `visit` for every entry, in no promised order. The entry just visited may be deleted meanwhile. */
  forEach(visit: (value: V, key: string) => void): void {
    for (const shard of this.shards()) for (const [key, value] of shard) visit(value, key);
  }

  *[Symbol.iterator](): Generator<[string, V]> {
    for (const shard of this.shards()) yield* shard;
  }

  keys(): string[] {
    const keys: string[] = [];
    for (const shard of this.shards()) for (const key of shard.keys()) keys.push(key);
    return keys;
  }

  /**
   * Visits about `count` entries from `cursor` (0 to start) on and returns the cursor to go on from, 0 at the end.
   * The work is bounded: at most ten shards are looked at for each entry asked for.
   */
  scan(cursor: number, count: number, visit: (value: V, key: string) => void): number {
    if (this.only !== undefined && cursor === 0 && count >= this.size) {
      this.only.forEach(visit);
      return 0;
    }
    let from = cursor;
    let found = 0;
    for (let shards = 0; from <= 0xffff_ffff && found < count && shards < count * 10; shards++) {
      const slot = this.only === undefined ? from >>> (32 - this.depth) : 0;
      const shard = this.only ?? this.directory[slot]!;
      const due = [...shard.keys()].map((key) => ({ key, hash: hashOf(key) })).filter(({ hash }) => hash >= from);
      due.sort((a, b) => a.hash - b.hash);
      let next = this.endOf(slot);
      for (const { key, hash } of due) {
        if (found >= count && hash >= from) {
          next = hash;
          break;
        }
        const value = shard.get(key);
        if (value !== undefined) visit(value, key);
        found++;
        from = hash + 1;
      }
      from = next;
    }
    return from > 0xffff_ffff ? 0 : from;
  }

  /** Where `key` lies in the scan order: a scan whose cursor is greater has passed it. */
  position(key: string): number {
    return hashOf(key);
  }

  /** A key picked about uniformly, or undefined when there is none. */
  randomKey(): string | undefined {
    if (this.size === 0) return undefined;
    let shard = this.only;
    for (
      let slot = Math.floor(Math.random() * this.directory.length);
      shard === undefined || shard.size === 0;
      slot++
    ) {
      shard = this.directory[slot % this.directory.length]!;
    }
    let skip = Math.floor(Math.random() * shard.size);
    for (const key of shard.keys()) if (skip-- === 0) return key;
    return undefined;
  }

  private *shards(): Generator<Map<string, V>> {
    if (this.only !== undefined) {
      yield this.only;
      return;
    }
    for (let from = 0; from <= 0xffff_ffff;) {
      if (this.only !== undefined) return;
      const slot = from >>> (32 - this.depth);
      yield this.directory[slot]!;
      if (this.directory.length === 0) return;
      from = this.endOf(slot);
    }
  }

  /** The first hash after those of the shard in `slot`. */
  private endOf(slot: number): number {
    if (this.only !== undefined) return 0x1_0000_0000;
    const span = this.depth - this.depths[slot]!;
    return ((slot >>> span) + 1) * 2 ** (32 - this.depths[slot]!);
  }

  private split(key: string): void {
    if (this.only !== undefined) {
      this.directory = [this.only];
      this.depths = [0];
      this.only = undefined;
      this.grow();
      return;
    }
    let slot = hashOf(key) >>> (32 - this.depth);
    if (this.depths[slot] === this.depth) {
      // Keys chosen to collide must not blow up the directory, so it stays in proportion to the entries.
      if (this.depth >= DEPTH_MAX || this.directory.length * 16 > this.size) return;
      this.grow();
      slot = hashOf(key) >>> (32 - this.depth);
    }
    const depth = this.depths[slot]!;
    const low = new Map<string, V>();
    const high = new Map<string, V>();
    for (const [k, v] of this.directory[slot]!) ((hashOf(k) >>> (31 - depth)) & 1 ? high : low).set(k, v);
    this.place(slot, depth, low, high);
  }

  /** Puts two shards where one was. */
  private place(slot: number, depth: number, low: Map<string, V>, high: Map<string, V>): void {
    const width = 1 << (this.depth - depth);
    const start = slot & ~(width - 1);
    for (let i = 0; i < width; i++) {
      this.directory[start + i] = i < width / 2 ? low : high;
      this.depths[start + i] = depth + 1;
    }
    if (depth + 1 === this.depth) this.deepest++;
  }

  private grow(): void {
    this.directory = this.directory.flatMap((shard) => [shard, shard]);
    this.depths = this.depths.flatMap((depth) => [depth, depth]);
    this.depth++;
    this.deepest = 0;
    if (this.depth === 1) this.place(0, 0, ...this.halves(this.directory[0]!));
  }

  private halves(shard: Map<string, V>): [Map<string, V>, Map<string, V>] {
    const low = new Map<string, V>();
    const high = new Map<string, V>();
    for (const [k, v] of shard) (hashOf(k) >>> 31 ? high : low).set(k, v);
    return [low, high];
  }

  private merge(key: string): void {
    const slot = hashOf(key) >>> (32 - this.depth);
    const depth = this.depths[slot]!;
    const width = 1 << (this.depth - depth);
    const start = slot & ~(width - 1);
    const buddy = start ^ width;
    if (this.depths[buddy] !== depth) return;
    const mine = this.directory[start]!;
    const theirs = this.directory[buddy]!;
    if (mine.size + theirs.size >= SHARD_MERGE) return;
    for (const [k, v] of theirs) mine.set(k, v);
    if (depth === 1) {
      this.clear();
      this.only = mine;
      this.size = mine.size;
      return;
    }
    const first = Math.min(start, buddy);
    for (let i = 0; i < width * 2; i++) {
      this.directory[first + i] = mine;
      this.depths[first + i] = depth - 1;
    }
    if (depth === this.depth) this.deepest--;
    while (this.deepest === 0 && this.depth > 1) this.shrink();
  }

  private shrink(): void {
    this.directory = this.directory.filter((_, slot) => slot % 2 === 0);
    this.depths = this.depths.filter((_, slot) => slot % 2 === 0);
    this.depth--;
    this.deepest = 0;
    for (let slot = 0; slot < this.depths.length; slot += 2) if (this.depths[slot] === this.depth) this.deepest++;
  }
}
