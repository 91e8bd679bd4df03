import type { Shard } from './shard.ts';

/** Where the entries are, -1 for those that are not there. */
const places = new Int32Array(64);
/** What was read comes to something, so that the compiler can't leave the reading out. */
const read = new Int32Array(1);

/**
 * Reads what commands about entries with these hashes are going to read, for all of them together: a shard, its table, the
 * entry, its key, its value. One by one, each of the half dozen steps to an entry waits for memory; here the waits for the
 * entries of one step overlap. Nothing depends on it: it makes no difference to anything but the time that the commands take.
 */
export function fetchAhead<V>(directory: readonly Shard<V>[], shift: number, hashes: Int32Array, count: number): void {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += directory[hashes[i]! >>> shift]!.size;
  for (let i = 0; i < count; i++) {
    const { index, hashes: all, keys, values, stamps } = directory[hashes[i]! >>> shift]!;
    if (index !== undefined) sum += index.length + all!.length + keys.length + values.length + (stamps?.length ?? 0);
  }
  for (let i = 0; i < count; i++) {
    const { index } = directory[hashes[i]! >>> shift]!;
    if (index !== undefined) sum += index[hashes[i]! & (index.length - 1)]!;
  }
  for (let i = 0; i < count; i++) {
    const hash = hashes[i]!;
    places[i] = directory[hash >>> shift]!.placeOf(hash);
  }
  for (let i = 0; i < count; i++) {
    const at = places[i]!;
    if (at < 0) continue;
    const { keys, values, stamps } = directory[hashes[i]! >>> shift]!;
    if (keys[at] !== undefined && values[at] !== undefined) sum += stamps === undefined ? 0 : stamps[at]!;
  }
  for (let i = 0; i < count; i++) {
    const at = places[i]!;
    if (at < 0) continue;
    const { keys, values } = directory[hashes[i]! >>> shift]!;
    const value = values[at];
    sum += keys[at]!.length + (typeof value === 'string' ? value.length : 0);
  }
  read[0] = sum;
}
