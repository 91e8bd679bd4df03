import { made } from '../keyspace/large-text.ts';
import type { Latin1Buffer } from './words.ts';

/** Buffers that arguments were gathered in, by the power of two of their size; a few of each are kept to be used again. */
const spare = new Map<number, Latin1Buffer[]>();
/** A little more than 128 KiB, so that what is to come fits with its line end when it is a power of two. */
const FIRST_BYTES = 131_328;
const KEPT_BYTES = 67_108_864;
let keptBytes = 0;

/** A large argument that is on its way in, in a buffer that grows as its bytes come: a header alone takes no memory. */
export class Gathering {
  private buffer = take(FIRST_BYTES);
  private filled = 0;
  private readonly length: number;

  /** `length` is how many bytes are to come. */
  constructor(length: number) {
    this.length = length;
  }

  /** Bytes that it takes. */
  get size(): number {
    return this.buffer.length;
  }

  get missing(): number {
    return this.length - this.filled;
  }

  /** Adds the bytes of `from` between two places. */
  add(from: Buffer, start: number, end: number): void {
    const filled = this.filled + end - start;
    if (filled > this.buffer.length) {
      let size = this.buffer.length * 2;
      while (size < filled) size *= 2;
      const grown = take(size);
      this.buffer.copy(grown, 0, 0, this.filled);
      giveBack(this.buffer);
      this.buffer = grown;
    }
    from.copy(this.buffer, this.filled, start, end);
    this.filled = filled;
  }

  /** The first so many bytes as a text, once they have come; it can't be used any more then. */
  text(length: number): string {
    const text = made(this.buffer.latin1Slice(0, length));
    giveBack(this.buffer);
    return text;
  }
}

function take(size: number): Latin1Buffer {
  const kept = spare.get(size)?.pop();
  if (kept === undefined) return Buffer.allocUnsafeSlow(size) as Latin1Buffer;
  keptBytes -= size;
  return kept;
}

/** New buffers would be garbage that V8 soon stops everybody for. */
function giveBack(buffer: Latin1Buffer): void {
  const size = buffer.length;
  if (keptBytes + size > KEPT_BYTES) return;
  keptBytes += size;
  const kept = spare.get(size);
  if (kept === undefined) spare.set(size, [buffer]);
  else kept.push(buffer);
}
