import type { LargeString } from './large-string.ts';
import { made } from './large-text.ts';
import { atOnce } from './steps.ts';

/** Filling so many bytes with zeros is nothing. */
const PAGE_BYTES = 4096;
/** How many bytes of a frozen value are copied together. */
const PART = 65_536;
/** How many bytes are copied from one step to the next. */
const AT_ONCE = 1_048_576;

/** A string value that is written in place (SETRANGE, SETBIT, APPEND to a large value), where copying would be quadratic. */
export class ByteString {
  charged = 0;
  private buffer: Buffer;
  /** From here on the buffer holds nothing but zero bytes. */
  private zeroFrom: number;
  length: number;
  /** The bytes as they were at one instant, while someone reads them. */
  private frozen: ByteString | undefined;
  /** Of a frozen value, the parts that changed since, by number. */
  private kept: Map<number, Buffer> | undefined;

  get kind() {
    return 'string' as const;
  }

  constructor(text: string | LargeString, capacity = text.length) {
    // Zeros come from the system, page by page as they are touched: a value far longer than what is in it costs nothing.
    const zeroed = capacity - text.length > PAGE_BYTES;
    this.buffer = zeroed ? Buffer.alloc(capacity) : Buffer.allocUnsafeSlow(Math.max(capacity, text.length));
    if (typeof text === 'string') this.buffer.write(text, 0, 'latin1');
    else text.copyTo(this.buffer, 0, 0, text.length);
    this.length = text.length;
    this.zeroFrom = zeroed ? this.length : this.buffer.length;
  }

  /** A value whose bytes these are from now on. */
  static of(bytes: Buffer): ByteString {
    const value = new ByteString('');
    value.buffer = bytes;
    value.length = bytes.length;
    value.zeroFrom = bytes.length;
    return value;
  }

  /** As the constructor makes one, in steps. */
  static *inSteps(text: string | LargeString, capacity: number): Generator<void, ByteString> {
    const value = new ByteString('', Math.max(capacity, text.length));
    for (let at = 0; at < text.length; at += AT_ONCE) {
      const end = Math.min(text.length, at + AT_ONCE);
      value.extend(end);
      if (typeof text === 'string') value.buffer.write(text.slice(at, end), at, 'latin1');
      else text.copyTo(value.buffer, at, at, end);
      yield;
    }
    return value;
  }

  get bytes(): number {
    return this.buffer.length + 200;
  }

  /** How long it can become without being moved. */
  get capacity(): number {
    return this.buffer.length;
  }

  /** The bytes in use; valid until the next write. Whoever changes them has to say so first (`willChange`). */
  view(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** The bytes `start` to `end` (exclusive), which must lie between the same multiples of 64 KiB. */
  slice(start: number, end: number): Buffer {
    const stop = Math.min(end, this.length);
    const part = this.kept?.get(Math.floor(start / PART));
    return part?.subarray(start % PART, stop - start + (start % PART)) ?? this.buffer.subarray(start, stop);
  }

  /**
   * The bytes as they are now, to be read with `slice` while this goes on changing, until `thaw`. What is about to change is
   * copied, so that neither the freezing nor a change copies all of a large value.
   */
  freeze(): ByteString {
    const frozen = new ByteString('');
    frozen.buffer = this.buffer;
    frozen.length = this.length;
    frozen.kept = new Map();
    this.frozen = frozen;
    return frozen;
  }

  thaw(): void {
    this.frozen = undefined;
  }

  /** The bytes `start` to `end` (exclusive) are about to change. */
  willChange(start: number, end: number): void {
    if (this.frozen !== undefined) this.frozen.keep(start, end);
  }

  private keep(start: number, end: number): void {
    for (let part = Math.floor(start / PART); part * PART < Math.min(end, this.length); part++) {
      if (!this.kept!.has(part)) this.kept!.set(part, Buffer.from(this.slice(part * PART, (part + 1) * PART)));
    }
  }

  /** Writes at `offset`, filling a gap before it with zero bytes. */
  write(offset: number, text: string): void {
    this.willChange(offset, offset + text.length);
    this.extend(offset + text.length);
    this.buffer.write(text, offset, 'latin1');
  }

  /** Makes the value at least `length` bytes long, with zero bytes at its end. */
  extend(length: number): void {
    if (length <= this.length) return;
    if (length > this.capacity) atOnce(this.makeRoom(length));
    if (this.zeroFrom > this.length) this.buffer.fill(0, this.length, Math.min(length, this.zeroFrom));
    this.zeroFrom = Math.max(this.zeroFrom, length);
    this.length = length;
  }

  /** Moves to where there is room for so many bytes and some more, in steps. */
  *makeRoom(length: number): Generator<void, void> {
    const grown = Buffer.alloc(Math.min(length * 2, length + 1_048_576));
    for (let at = 0; at < this.length; at += AT_ONCE) {
      this.buffer.copy(grown, at, at, Math.min(this.length, at + AT_ONCE));
      yield;
    }
    this.buffer = grown;
    this.zeroFrom = this.length;
    // What was frozen keeps the old buffer, which nobody writes to any more.
    this.frozen = undefined;
  }

  toString(start = 0, end = this.length): string {
    return made(this.buffer.toString('latin1', start, end));
  }
}
