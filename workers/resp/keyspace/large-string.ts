import { Chunk, CHUNK_BYTES, giveBack, takeChunk } from '../protocol/chunk.ts';
import { made } from './large-text.ts';

/** What a chunk takes beside its bytes: a Buffer and what V8 keeps of it. */
const CHUNK_OVERHEAD = 280;

/** Large strings that nobody held when they were last let go of. */
let orphans: LargeString[] = [];

/**
 * A string value in chunks, which never change: all but the last have CHUNK_BYTES. As one text it would be made and copied in one go,
 * in memory that is new each time, and V8 would stop everybody to see whether it is still in use. Whoever keeps one says so by `hold`
 * and lets go of it in the end, so that its chunks can be used again; who forgets to let go leaves it to V8.
 */
export class LargeString {
  charged = 0;
  readonly length: number;
  readonly chunks: readonly Chunk[];
  private holders = 1;

  /** The chunks are its own from here on; the first to hold it is who makes it. */
  constructor(chunks: readonly Chunk[]) {
    this.chunks = chunks;
    this.length = chunks.reduce((sum, { length }) => sum + length, 0);
  }

  get kind() {
    return 'string' as const;
  }

  get bytes(): number {
    let bytes = 0;
    for (const { size } of this.chunks) bytes += size + CHUNK_OVERHEAD;
    return bytes;
  }

  hold(): this {
    this.holders++;
    return this;
  }

  letGo(): void {
    if (--this.holders > 0) return;
    // What is moved, from key to key or into a reply, is let go of before it is held again.
    if (orphans.length === 0) queueMicrotask(clearAway);
    orphans.push(this);
  }

  /** Gives the chunks back if nobody holds it. */
  reuse(): void {
    if (this.holders > 0) return;
    // For good, should somebody let go of it once more.
    this.holders = Infinity;
    for (const chunk of this.chunks) giveBack(chunk);
  }

  /** A value of its own with the same chunks. */
  share(): LargeString {
    for (const chunk of this.chunks) chunk.holders++;
    return new LargeString(this.chunks);
  }

  /** As it never changes, it is its own copy. */
  freeze(): LargeString {
    return this.hold();
  }

  thaw(): void {
    this.letGo();
  }

  /** The bytes `start` to `end` (exclusive), as far as there are any; only to be read. */
  slice(start: number, end: number): Buffer {
    const stop = Math.min(end, this.length);
    if (start >= stop) return Buffer.alloc(0);
    const first = Math.floor(start / CHUNK_BYTES);
    const offset = first * CHUNK_BYTES;
    if (stop - offset <= CHUNK_BYTES) return this.chunks[first]!.bytes().subarray(start - offset, stop - offset);
    const joined = Buffer.allocUnsafe(stop - start);
    this.copyTo(joined, 0, start, stop);
    return joined;
  }

  /** Copies the bytes `start` to `end` (exclusive). */
  copyTo(target: Buffer, at: number, start: number, end: number): void {
    for (let from = start; from < end;) {
      const index = Math.floor(from / CHUNK_BYTES);
      const chunk = this.chunks[index]!.bytes();
      from += chunk.copy(
        target,
        at + from - start,
        from % CHUNK_BYTES,
        Math.min(end - index * CHUNK_BYTES, chunk.length),
      );
    }
  }

  toString(start = 0, end = this.length): string {
    return made(this.slice(start, end).toString('latin1'));
  }
}

function clearAway(): void {
  const left = orphans;
  orphans = [];
  for (const value of left) value.reuse();
}

/** A large string on its way in, in chunks that are taken as its bytes come. */
export class GatheredString {
  private readonly chunks: Chunk[] = [];
  private readonly length: number;
  private filled = 0;

  /** `length` is how many bytes are to come. */
  constructor(length: number) {
    this.length = length;
  }

  /** Bytes that it takes. */
  get size(): number {
    return this.chunks.length * CHUNK_BYTES;
  }

  get missing(): number {
    return this.length - this.filled;
  }

  /** Adds the bytes of `from` between two places. */
  add(from: Buffer, start: number, end: number): void {
    for (let at = start; at < end;) {
      const chunk = this.chunkToFill();
      const stop = Math.min(end, at + chunk.room);
      chunk.addBytes(from, at, stop);
      this.filled += stop - at;
      at = stop;
    }
  }

  private chunkToFill(): Chunk {
    const last = this.chunks.at(-1);
    if (last !== undefined && last.room > 0) return last;
    const chunk = this.missing < CHUNK_BYTES ? new Chunk(this.missing) : takeChunk();
    this.chunks.push(chunk);
    return chunk;
  }

  /** The string, once all has come. */
  whole(): LargeString {
    return new LargeString(this.chunks);
  }
}
