import { crc64, updateCrc64 } from './crc64.ts';
import { RdbError, STRING_MAX } from './format.ts';
import { decompressLzf } from './lzf.ts';

/** Thrown by the primitives when the window ends before what they read does; the reader rewinds, gets more and repeats. */
export const MORE = Symbol('more input is needed');

/** How many bytes are asked for at a time, and checksummed between two looks at the clock. */
const STEP = 32_768;

/**
 * A window on RDB data that arrives in chunks. Primitives read synchronously from it; `mark` says that what was read
 * is done with, `rewind` goes back to the last mark.
 */
export class RdbInput {
  readonly checksum = crc64();
  private window: Buffer;
  private pos = 0;
  private marked = 0;
  private summed = 0;
  /** The offset in the file of the window's first byte. */
  private base = 0;
  /** How many bytes from the mark on are needed to go on. */
  private wanted = 0;
  private ended: boolean;
  /** How long the whole is, when that is known: lengths beyond it are refused before anything is waited for. */
  private readonly total: number;

  constructor(whole?: Buffer, total = Infinity) {
    this.window = whole ?? Buffer.alloc(0);
    this.ended = whole !== undefined;
    this.total = whole?.length ?? total;
  }

  get offset(): number {
    return this.base + this.pos;
  }

  mark(): void {
    this.marked = this.pos;
  }

  rewind(): void {
    this.pos = this.marked;
  }

  fail(reason: string): never {
    throw new RdbError(reason, this.offset);
  }

  /** Gets more chunks until what is wanted is there or the source has ended. */
  async fill(source: AsyncIterator<Uint8Array>): Promise<void> {
    const rest = this.window.subarray(this.marked);
    const parts: Uint8Array[] = [rest];
    let length = rest.length;
    const target = Math.max(this.wanted, Math.min(STEP, rest.length + 1));
    while (length < target && !this.ended) {
      const next = await source.next();
      if (next.done === true) this.ended = true;
      else if (next.value.length > 0) {
        parts.push(next.value);
        length += next.value.length;
      }
    }
    this.sum(this.marked);
    this.base += this.marked;
    this.window = parts.length === 1 ? rest : Buffer.concat(parts, length);
    this.pos = 0;
    this.summed = Math.max(0, this.summed - this.marked);
    this.marked = 0;
  }

  /** Brings the checksum up to a position of the window, at most `limit` bytes further; says whether it is there. */
  private sum(until: number, limit = Infinity): boolean {
    const end = Math.min(until, this.summed + limit);
    if (end > this.summed) updateCrc64(this.checksum, this.window, this.summed, end);
    this.summed = Math.max(end, this.summed);
    return this.summed >= until;
  }

  /** Adds a slice of what was read and marked to the checksum; true when all of it is in. */
  sumSlice(): boolean {
    return this.sum(this.marked, STEP);
  }

  /** Whether nothing is left after the current position. */
  async atEnd(source: AsyncIterator<Uint8Array>): Promise<boolean> {
    if (this.pos < this.window.length) return false;
    while (!this.ended) {
      const next = await source.next();
      if (next.done === true) this.ended = true;
      else if (next.value.length > 0) return false;
    }
    return true;
  }

  /** Bytes not read yet of a whole that was given at once. */
  get left(): number {
    return this.window.length - this.pos;
  }

  private need(size: number): number {
    const start = this.pos;
    const end = start + size;
    if (end > this.window.length) {
      if (this.ended || this.base + end > this.total) {
        this.fail(`it ends too early: ${size} more bytes were announced here`);
      }
      this.wanted = end - this.marked;
      throw MORE;
    }
    this.pos = end;
    return start;
  }

  byte(): number {
    const at = this.need(1);
    return this.window[at]!;
  }

  /** A view of the next bytes, valid until more input is needed. */
  bytes(size: number): Buffer {
    const at = this.need(size);
    return this.window.subarray(at, at + size);
  }

  text(size: number): string {
    const at = this.need(size);
    return this.window.toString('latin1', at, at + size);
  }

  int32(): number {
    return this.window.readInt32LE(this.need(4));
  }

  /** A signed 64-bit number of milliseconds or the like; beyond 2^53 it is refused. */
  int64(): number {
    const value = Number(this.window.readBigInt64LE(this.need(8)));
    if (!Number.isSafeInteger(value)) this.fail(`the number ${value} is out of range`);
    return value;
  }

  double(): number {
    return this.window.readDoubleLE(this.need(8));
  }

  /** A length, or below zero (-1 - n) the special string encoding n. */
  lengthOrEncoding(): number {
    const first = this.byte();
    const kind = first >>> 6;
    if (kind === 0) return first;
    if (kind === 1) return ((first & 63) << 8) | this.byte();
    if (kind === 3) return -1 - (first & 63);
    if (first === 0x80) return this.window.readUInt32BE(this.need(4));
    if (first !== 0x81) this.fail(`the length encoding ${first} is unknown`);
    const value = Number(this.window.readBigUInt64BE(this.need(8)));
    if (!Number.isSafeInteger(value)) this.fail(`the length ${value} is out of range`);
    return value;
  }

  /** A length of 64 bits, exactly: stream IDs are written as such. */
  length64(): number | bigint {
    if (this.window[this.pos] !== 0x81) return this.length();
    this.byte();
    return this.window.readBigUInt64BE(this.need(8));
  }

  length(): number {
    const length = this.lengthOrEncoding();
    if (length < 0) this.fail('a length was expected, not an encoded string');
    return length;
  }

  string(): string {
    const length = this.lengthOrEncoding();
    if (length < 0) return this.encoded(-1 - length);
    if (length > STRING_MAX) this.fail(`a string of ${length} bytes is too long`);
    return this.text(length);
  }

  /** A string as bytes, for the compact encodings. */
  blob(): Buffer {
    const length = this.lengthOrEncoding();
    if (length < 0) return Buffer.from(this.encoded(-1 - length), 'latin1');
    if (length > STRING_MAX) this.fail(`a string of ${length} bytes is too long`);
    return this.bytes(length);
  }

  private encoded(encoding: number): string {
    if (encoding === 0) return String((this.byte() << 24) >> 24);
    if (encoding === 1) return String(this.window.readInt16LE(this.need(2)));
    if (encoding === 2) return String(this.int32());
    if (encoding !== 3) this.fail(`the string encoding ${encoding} is unknown`);
    const packed = this.length();
    const length = this.length();
    // A back reference of three bytes gives at most 264, so a longer claim is a lie, and memory is not spent on it.
    if (length > STRING_MAX || packed > STRING_MAX || length > packed * 88 + 264) {
      this.fail(`a string of ${length} bytes can't come out of ${packed} compressed ones`);
    }
    const text = decompressLzf(this.bytes(packed), length);
    return text ?? this.fail('a compressed string is damaged');
  }
}
