import type { StreamId } from './stream-id.ts';

const CHUNK_MAX = 128;

interface Chunk<V> {
  readonly ids: StreamId[];
  readonly values: V[];
}

/** A map in the order of its IDs, in sorted chunks: all operations take logarithmic time, and appending is cheapest. */
export class IdMap<V> {
  size = 0;
  private chunks: Chunk<V>[] = [];

  get(id: StreamId): V | undefined {
    const chunk = this.chunks[this.chunkFor(id)];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk.ids, id);
    return chunk.ids[at] === id ? chunk.values[at] : undefined;
  }

  set(id: StreamId, value: V): void {
    const index = this.chunkFor(id);
    const chunk = this.chunks[index];
    if (chunk === undefined) {
      this.chunks.push({ ids: [id], values: [value] });
      this.size++;
      return;
    }
    const at = lowerBound(chunk.ids, id);
    if (chunk.ids[at] === id) {
      chunk.values[at] = value;
      return;
    }
    chunk.ids.splice(at, 0, id);
    chunk.values.splice(at, 0, value);
    this.size++;
    if (chunk.ids.length <= CHUNK_MAX) return;
    // IDs mostly arrive in order, and a full left chunk then wastes nothing.
    const cut = at === CHUNK_MAX ? CHUNK_MAX : CHUNK_MAX / 2;
    this.chunks.splice(index + 1, 0, { ids: chunk.ids.splice(cut), values: chunk.values.splice(cut) });
  }

  delete(id: StreamId): boolean {
    const index = this.chunkFor(id);
    const chunk = this.chunks[index];
    if (chunk === undefined) return false;
    const at = lowerBound(chunk.ids, id);
    if (chunk.ids[at] !== id) return false;
    chunk.ids.splice(at, 1);
    chunk.values.splice(at, 1);
    this.size--;
    if (chunk.ids.length === 0) this.chunks.splice(index, 1);
    return true;
  }

  /** The same IDs with other values; much faster than setting them one by one. */
  map<W>(to: (value: V) => W): IdMap<W> {
    const mapped = new IdMap<W>();
    mapped.size = this.size;
    for (const { ids, values } of this.chunks) mapped.chunks.push({ ids: ids.slice(), values: values.map(to) });
    return mapped;
  }

  first(): StreamId | undefined {
    return this.chunks[0]?.ids[0];
  }

  last(): StreamId | undefined {
    return this.chunks.at(-1)?.ids.at(-1);
  }

  /** The entries from `start` on, in order; the map may change while they are visited. */
  *from(start: StreamId): Generator<readonly [StreamId, V]> {
    for (let next = this.firstFrom(start, true); next !== undefined; next = this.firstFrom(next[0], false)) yield next;
  }

  /** The first entry at or after an ID, or with `inclusive` false after it. */
  firstFrom(id: StreamId, inclusive: boolean): readonly [StreamId, V] | undefined {
    let index = this.chunkFor(id);
    let chunk = this.chunks[index];
    if (chunk === undefined) return undefined;
    let at = lowerBound(chunk.ids, id);
    if (!inclusive && chunk.ids[at] === id) at++;
    if (at === chunk.ids.length) {
      chunk = this.chunks[++index];
      at = 0;
    }
    return chunk === undefined ? undefined : [chunk.ids[at]!, chunk.values[at]!];
  }

  /** The last chunk that begins at or before an ID, or the first. */
  private chunkFor(id: StreamId): number {
    const { chunks } = this;
    let low = 0;
    let high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (chunks[middle]!.ids[0]! <= id) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The index of the first text that is not less than `wanted`. */
export function lowerBound(sorted: readonly string[], wanted: string): number {
  const { length } = sorted;
  if (length === 0 || sorted[length - 1]! < wanted) return length;
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
