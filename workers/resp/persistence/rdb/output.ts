import { compressLzf } from './lzf.ts';

const CHUNK_MIN = 4096;
const CHUNK_MAX = 131_072;
/** Strings up to this length are not compressed, as in Redis: there is nothing to win. */
const PLAIN_MAX = 20;
/** Up to this length strings are compressed in buffers that are used again. */
const SCRATCH_BYTES = 131_072;

/** Up to this length bytes are copied one by one. */
const COPIED_HERE_MAX = 64;

let scratch: { readonly from: Buffer; readonly to: Buffer } | undefined;

/** Primitives of the RDB format, written into chunks that are handed on as they fill up. */
export class RdbOutput {
  /** Bytes written so far, in all chunks. */
  length = 0;
  private chunk = Buffer.allocUnsafeSlow(CHUNK_MIN);
  private used = 0;
  private full: Buffer[] = [];
  private readonly compresses: boolean;

  /** `compresses`: strings of some length are written in LZF's form where that is shorter. */
  constructor(compresses = false) {
    this.compresses = compresses;
  }

  /** Takes the full chunks; with `all` also the one that is being filled. */
  take(all = false): Buffer[] {
    if (all) this.retire(CHUNK_MIN);
    const taken = this.full;
    this.full = [];
    return taken;
  }

  /** Adds chunks that were written elsewhere. */
  append(chunks: readonly Buffer[]): void {
    this.retire(CHUNK_MIN);
    for (const chunk of chunks) {
      this.full.push(chunk);
      this.length += chunk.length;
    }
  }

  byte(value: number): void {
    this.reserve(1);
    this.chunk[this.used++] = value;
    this.length++;
  }

  uint16(value: number): void {
    this.reserve(2);
    this.used = this.chunk.writeUInt16LE(value, this.used);
    this.length += 2;
  }

  uint32(value: number): void {
    this.reserve(4);
    this.used = this.chunk.writeUInt32LE(value, this.used);
    this.length += 4;
  }

  /** Milliseconds as a 64-bit integer. */
  milliseconds(value: number): void {
    this.reserve(8);
    this.used = this.chunk.writeBigInt64LE(BigInt(Math.trunc(value)), this.used);
    this.length += 8;
  }

  double(value: number): void {
    this.reserve(8);
    this.used = this.chunk.writeDoubleLE(value, this.used);
    this.length += 8;
  }

  /** A length: 6, 14, 32 or 64 bits. */
  size(value: number): void {
    if (value < 64) this.byte(value);
    else if (value < 16_384) {
      this.byte(0x40 | (value >>> 8));
      this.byte(value & 255);
    } else if (value <= 0xffff_ffff) {
      this.reserve(5);
      this.chunk[this.used] = 0x80;
      this.used = this.chunk.writeUInt32BE(value, this.used + 1);
      this.length += 5;
    } else {
      this.reserve(9);
      this.chunk[this.used] = 0x81;
      this.used = this.chunk.writeBigUInt64BE(BigInt(value), this.used + 1);
      this.length += 9;
    }
  }

  /** A length beyond what a number holds exactly, or any other. */
  size64(value: number | bigint): void {
    if (value <= 0xffff_ffff) {
      this.size(Number(value));
      return;
    }
    this.reserve(9);
    this.chunk[this.used] = 0x81;
    this.used = this.chunk.writeBigUInt64BE(BigInt(value), this.used + 1);
    this.length += 9;
  }

  /** A byte string without a length. */
  raw(text: string): void {
    this.reserve(text.length);
    this.used += this.chunk.write(text, this.used, 'latin1');
    this.length += text.length;
  }

  /** A string; small integers in their binary form, as Redis writes them, and what is long enough compressed. */
  string(text: string): void {
    if (text.length <= 11 && this.integer(text)) return;
    if (this.wouldCompress(text.length) && this.compressed(text)) return;
    this.size(text.length);
    this.raw(text);
  }

  /** Whether a string of a length is compressed, if it becomes shorter by that. */
  wouldCompress(length: number): boolean {
    return this.compresses && length > PLAIN_MAX;
  }

  /** A string of so many bytes that was compressed: to the first `size` bytes of `packed`. */
  packed(packed: Buffer, size: number, length: number): void {
    this.byte(0xc3);
    this.size(size);
    this.size(length);
    this.rawBytes(packed, size);
  }

  private compressed(text: string): boolean {
    const { length } = text;
    const { from, to } = length <= SCRATCH_BYTES ? (scratch ??= twoBuffers(SCRATCH_BYTES)) : twoBuffers(length);
    from.write(text, 'latin1');
    const size = compressLzf(from, length, to);
    if (size > 0) this.packed(to, size, length);
    return size > 0;
  }

  /** The first `size` bytes, without a length. */
  rawBytes(bytes: Buffer, size = bytes.length): void {
    this.reserve(size);
    // A call into Node takes longer than so few bytes, and a view of them would be garbage.
    if (size <= COPIED_HERE_MAX) for (let i = 0; i < size; i++) this.chunk[this.used + i] = bytes[i]!;
    else bytes.copy(this.chunk, this.used, 0, size);
    this.used += size;
    this.length += size;
  }

  private integer(text: string): boolean {
    const first = text.charCodeAt(0);
    if (first !== 45 && (first < 48 || first > 57)) return false;
    const value = Number(text) | 0;
    if (String(value) !== text) return false;
    if (value >= -128 && value <= 127) {
      this.byte(0xc0);
      this.byte(value & 255);
    } else if (value >= -32_768 && value <= 32_767) {
      this.byte(0xc1);
      this.uint16(value & 0xffff);
    } else {
      this.byte(0xc2);
      this.uint32(value >>> 0);
    }
    return true;
  }

  private reserve(size: number): void {
    if (this.used + size <= this.chunk.length) return;
    this.retire(Math.max(size, Math.min(this.chunk.length * 2, CHUNK_MAX)));
  }

  private retire(next: number): void {
    if (this.used > 0) this.full.push(this.chunk.subarray(0, this.used));
    this.chunk = Buffer.allocUnsafeSlow(next);
    this.used = 0;
  }
}

function twoBuffers(length: number): { from: Buffer; to: Buffer } {
  return { from: Buffer.allocUnsafeSlow(length), to: Buffer.allocUnsafeSlow(length) };
}
