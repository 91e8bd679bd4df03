import { hashOf } from './key-hash.ts';

/** Up to this many entries are compared one by one, without a table. */
const LINEAR_MAX = 8;
/** What the first entry makes room for: many nodes have a key or two. */
const SMALLEST = 2;
/** Room for as many entries as places that one byte tells apart: a shard that has more should be split. */
export const SHARD_CAPACITY = 248;
/** What a shard's objects take: itself, two arrays, and (with a table) two or three typed arrays with their buffers. */
const EMPTY_BYTES = 104;
const SMALL_BYTES = 200;
/** A buffer and the table's view of it; each further view. */
const TABLE_BYTES = 250;
const VIEW_BYTES = 104;
const SMALL_STAMPS_BYTES = 200;

type Index = Uint8Array | Uint16Array | Uint32Array;

/**
 * Entries of a Dict in dense arrays, found through an open-addressed table of one byte each. A JavaScript Map takes more
 * room, has no random access, and can't keep a small integer (a stamp) beside each entry.
 */
export class Shard<V> {
  size = 0;
  /** Bytes of the arrays and the table, without what is in them. */
  bytes = EMPTY_BYTES;
  /** How many bits of the hash all its entries share. */
  depth = 0;
  keys: string[] = [];
  /** Empty in a Dict of keys alone. */
  values: V[] = [];
  /** The hashes of the entries, while there is a table. */
  hashes: Int32Array | undefined;
  stamps: Int32Array | undefined;
  /** By hash, the places of entries, counted from one; 0 where there is none. */
  index: Index | undefined;
  private capacity = 0;
  private readonly keysOnly: boolean;
  private readonly stamped: boolean;

  constructor(keysOnly: boolean, stamped: boolean) {
    this.keysOnly = keysOnly;
    this.stamped = stamped;
  }

  /** Where a key is, or -1. */
  find(key: string, hash: number): number {
    const { index, keys } = this;
    if (index === undefined) {
      for (let i = 0; i < this.size; i++) if (keys[i] === key) return i;
      return -1;
    }
    const hashes = this.hashes!;
    const mask = index.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = index[slot]! - 1;
      if (at < 0) return -1;
      if (hashes[at] === hash && keys[at] === key) return at;
    }
  }

  /** Where an entry with a hash is, by its hash alone, or -1. */
  placeOf(hash: number): number {
    const { index, hashes } = this;
    if (index === undefined || hashes === undefined) return -1;
    const mask = index.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = index[slot]! - 1;
      if (at < 0 || hashes[at] === hash) return at;
    }
  }

  /** Adds an entry that is not there yet. */
  add(key: string, hash: number, value: V, stamp: number): void {
    const at = this.size;
    if (at === this.capacity)
      this.reserve(at < SHARD_CAPACITY ? Math.min(at + (at >> 2) + 1, SHARD_CAPACITY) : at * 1.25);
    this.keys[at] = key;
    if (!this.keysOnly) this.values[at] = value;
    if (this.stamped) this.stamps![at] = stamp;
    this.size = at + 1;
    if (this.index === undefined) return;
    this.hashes![at] = hash;
    this.link(this.index, hash, at);
  }

  /** The hash that `find` and `add` need. */
  hashFor(key: string): number {
    return this.index === undefined && this.size < LINEAR_MAX ? 0 : hashOf(key);
  }

  /** Makes room for at least `wanted` entries. */
  private reserve(wanted: number): void {
    if (wanted <= SMALLEST * 2) {
      this.resize(wanted <= SMALLEST ? SMALLEST : SMALLEST * 2);
      return;
    }
    const rounded = (wanted + 7) & ~7;
    this.resize(
      rounded > SHARD_CAPACITY * 0.7 && wanted <= SHARD_CAPACITY ? SHARD_CAPACITY : Math.max(LINEAR_MAX, rounded),
    );
  }

  /** Removes the entry at a place; the last one takes the place. */
  removeAt(at: number): void {
    const last = this.size - 1;
    const { keys, values, stamps, hashes, index } = this;
    if (index !== undefined) {
      this.unlink(index, hashes![at]!, at);
      if (at !== last) index[this.slotOf(index, hashes![last]!, last)] = at + 1;
      hashes![at] = hashes![last]!;
    }
    keys[at] = keys[last]!;
    if (!this.keysOnly) values[at] = values[last]!;
    if (stamps !== undefined) stamps[at] = stamps[last]!;
    this.clearAt(last);
    this.size = last;
    if (last < this.capacity >> 2 && this.capacity > LINEAR_MAX) this.reserve(last + (last >> 1));
  }

  /**
   * Moves the entries whose next bit of the hash is set to a new shard. The old arrays are kept: garbage of that size
   * would pile up in the old generation for as long as a keyspace grows.
   */
  splitOff(): Shard<V> {
    const { size, keys, values, hashes, stamps } = this;
    const bit = 31 - this.depth;
    const high = new Shard<V>(this.keysOnly, this.stamped);
    high.depth = ++this.depth;
    high.resize(this.capacity);
    let kept = 0;
    for (let i = 0; i < size; i++) {
      const hash = hashes![i]!;
      if ((hash >>> bit) & 1) high.add(keys[i]!, hash, values[i]!, stamps === undefined ? 0 : stamps[i]!);
      else {
        keys[kept] = keys[i]!;
        if (!this.keysOnly) values[kept] = values[i]!;
        if (stamps !== undefined) stamps[kept] = stamps[i]!;
        hashes![kept++] = hash;
      }
    }
    for (let i = kept; i < size; i++) this.clearAt(i);
    this.size = kept;
    this.index!.fill(0);
    for (let i = 0; i < kept; i++) this.link(this.index!, hashes![i]!, i);
    return high;
  }

  /** Lets go of what is at a place beyond the last entry. */
  private clearAt(at: number): void {
    this.keys[at] = '';
    // A zero and not undefined, with which an array of doubles would become one of objects.
    if (!this.keysOnly) this.values[at] = 0 as V;
  }

  private link(index: Index, hash: number, at: number): void {
    const mask = index.length - 1;
    let slot = hash & mask;
    while (index[slot] !== 0) slot = (slot + 1) & mask;
    index[slot] = at + 1;
  }

  private slotOf(index: Index, hash: number, at: number): number {
    const mask = index.length - 1;
    let slot = hash & mask;
    while (index[slot] !== at + 1) slot = (slot + 1) & mask;
    return slot;
  }

  /** Empties a slot, and moves what was pushed beyond it back, so that no search ends too early. */
  private unlink(index: Index, hash: number, at: number): void {
    const mask = index.length - 1;
    let hole = this.slotOf(index, hash, at);
    for (let slot = (hole + 1) & mask; index[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.hashes![index[slot]! - 1]! & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      index[hole] = index[slot]!;
      hole = slot;
    }
    index[hole] = 0;
  }

  private resize(capacity: number): void {
    const { size } = this;
    this.capacity = capacity;
    this.keys = resized(this.keys, size, capacity);
    if (!this.keysOnly) this.values = resized(this.values, size, capacity);
    const { stamps, hashes } = this;
    this.bytes = SMALL_BYTES + capacity * (this.keysOnly ? 8 : 16);
    if (capacity <= LINEAR_MAX) {
      this.index = undefined;
      this.hashes = undefined;
      if (this.stamped) this.stamps = copyOf(stamps, size, new Int32Array(capacity));
      this.bytes += this.stamped ? SMALL_STAMPS_BYTES : 0;
      return;
    }
    // One buffer for all: each costs the garbage collector a part of its pause when a large Dict is let go of.
    const slots = 2 ** Math.ceil(Math.log2(capacity * 1.5));
    const width = capacity < 256 ? 1 : capacity < 65_536 ? 2 : 4;
    const ints = this.stamped ? 2 : 1;
    const buffer = new ArrayBuffer(capacity * 4 * ints + slots * width);
    this.hashes = new Int32Array(buffer, 0, capacity);
    if (hashes !== undefined) copyOf(hashes, size, this.hashes);
    else for (let i = 0; i < size; i++) this.hashes[i] = hashOf(this.keys[i]!);
    if (this.stamped) this.stamps = copyOf(stamps, size, new Int32Array(buffer, capacity * 4, capacity));
    this.index = tableOf(width, buffer, capacity * 4 * ints);
    for (let i = 0; i < size; i++) this.link(this.index, this.hashes[i]!, i);
    this.bytes += TABLE_BYTES + VIEW_BYTES * ints + buffer.byteLength;
  }
}

function tableOf(width: 1 | 2 | 4, buffer: ArrayBuffer, from: number): Index {
  if (width === 1) return new Uint8Array(buffer, from);
  return width === 2 ? new Uint16Array(buffer, from) : new Uint32Array(buffer, from);
}

function copyOf(from: Int32Array | undefined, size: number, to: Int32Array): Int32Array {
  if (from !== undefined) to.set(from.subarray(0, size));
  return to;
}

/** A copy with another capacity. */
function resized<T>(from: readonly T[], size: number, capacity: number): T[] {
  const to: T[] = [];
  // Numbers stay unboxed in what is left out, as they would not among undefined.
  to.length = capacity;
  for (let i = 0; i < size; i++) to[i] = from[i]!;
  return to;
}
