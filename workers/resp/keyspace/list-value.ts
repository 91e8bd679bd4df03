import { FrozenChunks } from './frozen.ts';
import type { Frozen } from './frozen.ts';
import { arrayBytes, DEFAULT_LIMITS, OBJECT_BYTES, stringBytes } from './sizes.ts';
import type { EncodingLimits } from './sizes.ts';

const CHUNK_MAX = 128;

const CHUNK_BYTES = arrayBytes(CHUNK_MAX);
/** The list itself, with an array of one chunk. */
const LIST_BYTES = OBJECT_BYTES + 24 + 56;

/** A list: chunks of up to 128 elements, so that both ends are cheap and the middle is reached by whole chunks. */
export class ListValue {
  charged = 0;
  length = 0;
  /** Bytes of the elements alone; decides, with the length, what Redis would call the encoding. */
  private payload = 0;
  /** Bytes the elements take as strings. */
  private strings = 0;
  private quicklist = false;
  private chunks: string[][] = [];
  /** The first chunk, in reverse, while elements are added before full ones: they need not be moved for each that comes. */
  private reversed: string[] | undefined;
  /** Set while someone takes the elements as they were at one instant. */
  private frozen: FrozenChunks | undefined;

  get kind() {
    return 'list' as const;
  }

  /** Bytes of all it holds. */
  get bytes(): number {
    const length = this.chunkCount;
    const chunks = length === 1 ? arrayBytes(this.length) : length * CHUNK_BYTES;
    return LIST_BYTES + this.strings + chunks + (length === 1 ? 0 : arrayBytes(length));
  }

  /** How many chunks it has: about as many as Redis's quicklist has nodes. */
  get chunkCount(): number {
    return this.chunks.length + (this.reversed === undefined ? 0 : 1);
  }

  /** `listpack` until it outgrows one list node, `quicklist` until it has shrunk to half a node, as Redis 7.2 does. */
  encoding(limits: EncodingLimits = DEFAULT_LIMITS): 'listpack' | 'quicklist' {
    this.quicklist = this.exceeds(limits, 0, 0, this.quicklist ? 2 : 1);
    return this.quicklist ? 'quicklist' : 'listpack';
  }

  /** Notes that an element is about to come, as Redis does before LSET too, which takes the old one out only then. */
  expect(element: string, limits: EncodingLimits): void {
    if (!this.quicklist) this.quicklist = this.exceeds(limits, element.length, 1, 1);
  }

  private exceeds({ listSize }: EncodingLimits, moreBytes: number, more: number, part: number): boolean {
    const maxBytes = listSize >= 0 ? 8192 : 2048 * 2 ** Math.min(-listSize, 5);
    const maxLength = listSize >= 0 ? Math.max(listSize, 1) : Number.MAX_SAFE_INTEGER;
    const bytes = this.payload + this.length * 2 + moreBytes;
    return bytes > maxBytes / part || this.length + more > maxLength / part;
  }

  private count(element: string, sign: 1 | -1): void {
    this.length += sign;
    this.payload += sign * element.length;
    this.strings += sign * stringBytes(element);
  }

  pushHead(element: string): void {
    const first = this.chunks[0];
    if (this.reversed !== undefined) this.reversed.push(element);
    else if (first === undefined) this.chunks = [[element]];
    else if (first.length < CHUNK_MAX) this.touched(first).unshift(element);
    else this.reversed = [element];
    if (this.reversed?.length === CHUNK_MAX) this.inOrder();
    this.count(element, 1);
  }

  pushTail(element: string): void {
    const last = this.chunks[this.chunks.length - 1];
    if (last !== undefined && last.length < CHUNK_MAX) this.touched(last).push(element);
    // A list of one chunk is common, and a literal takes no more room than it needs.
    else if (last === undefined) this.chunks = [[element]];
    else this.chunks.push([element]);
    this.count(element, 1);
  }

  popHead(): string | undefined {
    const first = this.inOrder()[0];
    if (first === undefined) return undefined;
    const element = this.touched(first).shift()!;
    if (first.length === 0) this.chunks.shift();
    this.count(element, -1);
    return element;
  }

  popTail(): string | undefined {
    const last = this.chunks[this.chunks.length - 1];
    if (last === undefined) return undefined;
    const element = this.touched(last).pop()!;
    if (last.length === 0) this.inOrder().pop();
    this.count(element, -1);
    return element;
  }

  /** All chunks, the first of them in order, too. */
  private inOrder(): string[][] {
    if (this.reversed !== undefined) this.chunks.unshift(this.reversed.reverse());
    this.reversed = undefined;
    return this.chunks;
  }

  /** Finds the chunk of an index in range, walking from the nearer end. */
  private locate(index: number): { chunk: number; offset: number } {
    this.inOrder();
    if (index < this.length / 2) {
      let before = 0;
      for (let chunk = 0; ; chunk++) {
        const size = this.chunks[chunk]!.length;
        if (index < before + size) return { chunk, offset: index - before };
        before += size;
      }
    }
    let after = this.length;
    for (let chunk = this.chunks.length - 1; ; chunk--) {
      after -= this.chunks[chunk]!.length;
      if (index >= after) return { chunk, offset: index - after };
    }
  }

  /** The element at a non-negative index. */
  at(index: number): string | undefined {
    if (index < 0 || index >= this.length) return undefined;
    const { chunk, offset } = this.locate(index);
    return this.chunks[chunk]![offset];
  }

  /** Replaces the element at an index in range. */
  replace(index: number, element: string): void {
    const { chunk, offset } = this.locate(index);
    const old = this.chunks[chunk]![offset]!;
    this.touched(this.chunks[chunk]!)[offset] = element;
    this.count(old, -1);
    this.count(element, 1);
  }

  /** Inserts before the element at `index`; at `length` it appends. */
  insert(index: number, element: string): void {
    if (index >= this.length) {
      this.pushTail(element);
      return;
    }
    const { chunk, offset } = this.locate(index);
    const target = this.touched(this.chunks[chunk]!);
    target.splice(offset, 0, element);
    if (target.length > CHUNK_MAX) this.chunks.splice(chunk + 1, 0, target.splice(CHUNK_MAX / 2));
    this.count(element, 1);
  }

  /** Removes the element at an index in range. */
  removeAt(index: number): void {
    const { chunk, offset } = this.locate(index);
    const [old] = this.touched(this.chunks[chunk]!).splice(offset, 1);
    if (this.chunks[chunk]!.length === 0) this.chunks.splice(chunk, 1);
    this.count(old!, -1);
  }

  /** Keeps the elements `start` to `end` (inclusive, in range). */
  trim(start: number, end: number): void {
    const drop = this.length - 1 - end;
    this.dropHead(start);
    this.dropTail(drop);
  }

  private dropHead(count: number): void {
    for (let left = count; left > 0;) {
      const dropped = this.touched(this.inOrder()[0]!).splice(0, left);
      if (this.chunks[0]!.length === 0) this.chunks.shift();
      for (const element of dropped) this.count(element, -1);
      left -= dropped.length;
    }
  }

  private dropTail(count: number): void {
    for (let left = count; left > 0;) {
      const last = this.chunks[this.chunks.length - 1]!;
      const dropped = this.touched(last).splice(Math.max(0, last.length - left));
      if (last.length === 0) this.inOrder().pop();
      for (const element of dropped) this.count(element, -1);
      left -= dropped.length;
    }
  }

  /** Hands on all elements as they are now, in order and part by part, while they change. */
  freeze(emit: (element: string) => void): Frozen {
    this.frozen = new FrozenChunks(this.inOrder(), emit, () => {
      this.frozen = undefined;
    });
    return this.frozen;
  }

  /** A chunk that is about to change. */
  private touched(chunk: string[]): string[] {
    if (this.frozen !== undefined) this.frozen.touch(chunk);
    return chunk;
  }

  forEach(visit: (element: string) => void): void {
    for (const chunk of this.inOrder()) for (const element of chunk) visit(element);
  }

  /** Visits the elements `start` to `end` (inclusive, in range), in order. */
  range(start: number, end: number, visit: (element: string) => void): void {
    let { chunk, offset } = this.locate(start);
    for (let left = end - start + 1; left > 0; chunk++, offset = 0) {
      const source = this.chunks[chunk]!;
      for (; offset < source.length && left > 0; offset++, left--) visit(source[offset]!);
    }
  }
}
