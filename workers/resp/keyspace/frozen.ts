import type { Shard } from './shard.ts';

/**
 * A large collection as it was at one instant, on its way to whoever takes it, while it changes. What is about to change is
 * taken first (a part of a few hundred elements at most), so neither the taking nor the changing is ever done in one go.
 */
export interface Frozen {
  /** Hands on the next part; false when all has been handed on. */
  step(): boolean;
  /** Lets go of the collection. */
  end(): void;
}

/** What a Dict has to be for its entries to be taken shard by shard. */
interface Sharded<V> {
  frozen: FrozenShards<V> | undefined;
  shardCount: number;
  takeShard(cursor: number, take: (shard: Shard<V>) => void): number;
}

/** The entries of a Dict as they were: each shard is handed on as a whole, before it is changed or when its turn comes. */
export class FrozenShards<V> implements Frozen {
  private readonly dict: Sharded<V>;
  private readonly emit: (key: string, value: V) => void;
  private readonly taken = new Set<Shard<V>>();
  private cursor = 0;
  private ended = false;

  constructor(dict: Sharded<V>, emit: (key: string, value: V) => void) {
    this.dict = dict;
    this.emit = emit;
    dict.frozen = this;
  }

  step(): boolean {
    if (this.ended) return false;
    this.cursor = this.dict.takeShard(this.cursor, (shard) => this.touch(shard));
    if (this.cursor === 0) this.end();
    return true;
  }

  end(): void {
    this.ended = true;
    if (this.dict.frozen === this) this.dict.frozen = undefined;
    this.taken.clear();
  }

  /** A shard is about to change. */
  touch(shard: Shard<V>): void {
    if (this.taken.has(shard)) return;
    this.taken.add(shard);
    const { keys, values, size } = shard;
    for (let i = 0; i < size; i++) this.emit(keys[i]!, values[i]!);
  }

  /** A shard came out of another one, which was touched before. */
  splitOff(shard: Shard<V>): void {
    this.taken.add(shard);
  }
}

/** How many chunks of a list are handed on at a time. */
const CHUNKS = 4;

/** The elements of a list as they were, in order: a chunk that is about to change is copied. */
export class FrozenChunks implements Frozen {
  private chunks: (readonly string[])[];
  private readonly places = new Map<readonly string[], number>();
  private readonly emit: (element: string) => void;
  private readonly ended: () => void;
  private next = 0;

  constructor(chunks: readonly string[][], emit: (element: string) => void, ended: () => void) {
    this.chunks = [...chunks];
    for (const [place, chunk] of chunks.entries()) this.places.set(chunk, place);
    this.emit = emit;
    this.ended = ended;
  }

  step(): boolean {
    if (this.next >= this.chunks.length) return false;
    for (const end = this.next + CHUNKS; this.next < Math.min(end, this.chunks.length); this.next++) {
      const chunk = this.chunks[this.next]!;
      for (const element of chunk) this.emit(element);
      this.places.delete(chunk);
      this.chunks[this.next] = [];
    }
    if (this.next === this.chunks.length) this.end();
    return true;
  }

  end(): void {
    this.chunks = [];
    this.places.clear();
    this.ended();
  }

  /** A chunk is about to change. */
  touch(chunk: readonly string[]): void {
    const place = this.places.get(chunk);
    if (place === undefined) return;
    this.places.delete(chunk);
    this.chunks[place] = [...chunk];
  }
}
