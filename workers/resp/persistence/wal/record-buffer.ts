import { crc32 } from 'node:zlib';

import { bytesAsItCame, copyAsItCame, copyNow } from '../../protocol/as-it-came.ts';
import { largeAt } from '../../protocol/large-arguments.ts';
import { LargeParts } from '../large-parts.ts';
import { checksum } from './checksum.ts';
import { HEADER_BYTES, KIND, REQUESTS_OF } from './record.ts';

/** What the batch record at the beginning of each write takes. */
const BATCH_BYTES = HEADER_BYTES + 13;
/** Size from which a record takes no more effects: what is torn takes the rest of its record with it, and that shall not be much. */
const RUN_BYTES = 4096;
const FIRST_BYTES = 65_536;
const KEPT_BYTES = 4_194_304;
/** Bytes of large values that are summed up from one step to the next. */
const SUMMED_AT_ONCE = 262_144;
/** Up to this length a loop is cheaper than a call into native code. */
const SHORT = 24;

/** What all records of a node begin with. Made once by whoever writes them, who is known by it. */
export function nodePrefix(id: string, epoch: number): Buffer {
  // Out of the pool that Node has for short buffers: there are as many as nodes that write.
  const prefix = Buffer.allocUnsafe(1 + id.length + 6);
  prefix[0] = id.length;
  prefix.write(id, 1, 'latin1');
  prefix.writeUIntLE(epoch, 1 + id.length, 6);
  return prefix;
}

/** A record with large parts, whose checksum is still to be made. */
interface Unsealed {
  readonly start: number;
  readonly end: number;
  readonly position: number;
}

/** Records that are gathered until the next write, in one buffer that is used again, with large values beside it. */
export class RecordBuffer {
  /** The position of the first byte. */
  position = 0;
  /** Bytes that are in the buffer itself. */
  length = 0;
  private readonly large = new LargeParts();
  private unsealed: Unsealed[] = [];
  /** Whether somebody waits for the sync after it. */
  waitedFor = false;
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Where the open record begins; there is none when it is undefined. */
  private start: number | undefined;
  /** Bytes of the large values before it. */
  private largeBefore = 0;
  /** Whose effects the open record takes. */
  private runOf: Buffer | undefined;
  /** The database that requests in the open record are of. */
  private requestsOf = -1;

  /** The position after the last record, or the last effect of the open one. */
  get end(): number {
    return this.position + this.size;
  }

  /** Bytes of all records. */
  get size(): number {
    return this.length + this.large.bytes;
  }

  /** Makes the buffer empty again, beginning at a position. */
  reset(position: number): void {
    this.position = position;
    this.length = 0;
    this.waitedFor = false;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** All bytes, one part after another; `sealLarge` comes first. */
  parts(): Iterable<Buffer> {
    copyNow();
    return this.large.between(this.bytes, 0, this.length);
  }

  /** Makes the checksums of records with large values, in steps. */
  *sealLarge(): Generator<void> {
    for (let next = this.unsealed[0]; next !== undefined; next = this.unsealed[0]) {
      const { start, end, position } = next;
      let [size, sum] = [0, position >>> 0];
      for (const part of this.large.between(this.bytes, start + HEADER_BYTES, end)) {
        sum = crc32(part, sum);
        if (Math.floor((size + part.length) / SUMMED_AT_ONCE) > Math.floor(size / SUMMED_AT_ONCE)) yield;
        size += part.length;
      }
      this.uint32(size, start);
      this.uint32(sum, start + 4);
      this.unsealed.shift();
    }
  }

  /** All was written: lets go of the large values. */
  written(): void {
    this.large.clear();
  }

  /** Keeps room for the batch record, which is known when the buffer is written. */
  reserveBatch(): void {
    this.length = BATCH_BYTES;
  }

  /** Fills in the batch record, after which the buffer can be written. */
  fillBatch(syncedTo: number, nowMs: number): void {
    this.seal();
    const { length } = this;
    this.length = HEADER_BYTES;
    this.byte(KIND.batch);
    this.uint48(syncedTo);
    this.uint48(nowMs);
    this.sealAt(0, this.position);
    this.length = length;
  }

  /** Whether effects of this writer go to the record that is open. */
  continues(prefix: Buffer): boolean {
    return this.runOf === prefix && this.size - this.largeBefore - this.start! < RUN_BYTES;
  }

  /** Begins a record that a writer's effects go to until somebody else begins one. */
  openRun(prefix: Buffer, sequence: number): void {
    this.open(KIND.effects, prefix, sequence);
    this.runOf = prefix;
  }

  /** Begins a record of a node. */
  open(kind: number, prefix: Buffer, sequence: number): void {
    this.seal();
    this.start = this.length;
    this.largeBefore = this.large.bytes;
    this.reserve(HEADER_BYTES + 1 + prefix.length + 6);
    this.length += HEADER_BYTES;
    this.byte(kind);
    for (let i = 0; i < prefix.length; i++) this.bytes[this.length++] = prefix[i]!;
    this.uint48(sequence);
  }

  /** Adds an effect to the open record. */
  effect(db: number, args: readonly string[]): void {
    const size = bytesAsItCame(args);
    if (size > 0) {
      this.request(db, size);
      return;
    }
    this.reserve(6);
    this.byte(db);
    this.varint(args.length);
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!;
      const value = arg === '' ? largeAt(args, i) : undefined;
      this.reserve(5 + arg.length);
      this.varint(value?.length ?? arg.length);
      if (value === undefined) this.latin1(arg);
      else this.large.add(this.length, value);
    }
  }

  /** Adds the request that was read last, as it came. */
  private request(db: number, size: number): void {
    this.reserve(1 + size);
    if (db !== this.requestsOf) this.byte(REQUESTS_OF | db);
    this.requestsOf = db;
    copyAsItCame(this, this.length);
    this.length += size;
  }

  /** Adds the rest of a body. */
  text(value: string): void {
    this.reserve(value.length);
    this.latin1(value);
  }

  /** Ends the open record, if there is one. */
  seal(): void {
    const { start, length, largeBefore } = this;
    if (start === undefined) return;
    copyNow();
    this.requestsOf = -1;
    const position = this.position + start + largeBefore;
    if (this.large.bytes === largeBefore) this.sealAt(start, position);
    else this.unsealed.push({ start, end: length, position });
    this.start = undefined;
    this.runOf = undefined;
  }

  /** Fills in length and checksum of the record that begins there and ends where the bytes do. */
  private sealAt(start: number, position: number): void {
    const { bytes, length } = this;
    const body = start + HEADER_BYTES;
    this.uint32(length - body, start);
    this.uint32(checksum(bytes, body, length, position >>> 0), start + 4);
  }

  private byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  private latin1(text: string): void {
    const { length } = text;
    if (length > SHORT) {
      this.length += this.bytes.write(text, this.length, 'latin1');
      return;
    }
    const { bytes, length: at } = this;
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
    this.length = at + length;
  }

  private uint48(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.uint32(value % 2 ** 32, this.length);
    this.bytes[this.length + 4] = high;
    this.bytes[this.length + 5] = high >>> 8;
    this.length += 6;
  }

  /** Stores bytes one by one, which is cheaper than Buffer's own ways with all that they check. */
  private uint32(value: number, at: number): void {
    const { bytes } = this;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }

  private varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.bytes[this.length++] = (rest & 127) | 128;
    this.bytes[this.length++] = rest;
  }

  private reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + size));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
