import { made } from './large-text.ts';

/** Filling so many bytes with zeros is nothing. */
const PAGE_BYTES = 4096;

/** A string value that is written in place (SETRANGE, SETBIT, APPEND to a large value), where copying would be quadratic. */
export class ByteString {
  charged = 0;
  private buffer: Buffer;
  /** From here on the buffer holds nothing but zero bytes. */
  private zeroFrom: number;
  length: number;

  get kind() {
    return 'string' as const;
  }

  constructor(text: string, capacity = text.length) {
    // Zeros come from the system, page by page as they are touched: a value far longer than what is in it costs nothing.
    const zeroed = capacity - text.length > PAGE_BYTES;
    this.buffer = zeroed ? Buffer.alloc(capacity) : Buffer.allocUnsafeSlow(Math.max(capacity, text.length));
    this.length = this.buffer.write(text, 0, 'latin1');
    this.zeroFrom = zeroed ? this.length : this.buffer.length;
  }

  get bytes(): number {
    return this.buffer.length + 200;
  }

  /** The bytes in use; valid until the next write. */
  view(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** Writes at `offset`, filling a gap before it with zero bytes. */
  write(offset: number, text: string): void {
    this.extend(offset + text.length);
    this.buffer.write(text, offset, 'latin1');
  }

  /** Makes the value at least `length` bytes long, with zero bytes at its end. */
  extend(length: number): void {
    if (length <= this.length) return;
    if (length > this.buffer.length) {
      const grown = Buffer.alloc(Math.min(length * 2, length + 1_048_576));
      this.buffer.copy(grown, 0, 0, this.length);
      this.buffer = grown;
      this.zeroFrom = this.length;
    }
    if (this.zeroFrom > this.length) this.buffer.fill(0, this.length, Math.min(length, this.zeroFrom));
    this.zeroFrom = Math.max(this.zeroFrom, length);
    this.length = length;
  }

  toString(): string {
    return made(this.buffer.toString('latin1', 0, this.length));
  }
}
