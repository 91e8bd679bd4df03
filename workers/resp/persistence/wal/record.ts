import type { Effect } from '../../keyspace/journal.ts';
import { checksum } from './checksum.ts';

/**
 * A record of the write-ahead log:
 *
 *     length  u32  bytes of the body
 *     crc     u32  CRC-32 of the body, seeded with the record's position, so that a record in a wrong place is found out
 *     body         kind u8, then
 *       batch:     position up to which the log was known to be on the disk u48, time in ms u48
 *       others:    id (length u8, bytes), epoch u48, sequence number within the node u48, then what the kind needs
 *         effect:  one effect
 *         block:   count varint, effects that are recovered together or not at all
 *         empty:   nothing; the node has no data here: its history begins, or it was dropped or emptied
 *         replace: the name of the base (rest of the body) that takes the place of everything before
 *     effect       database u8, argument count varint, each argument with its length as varint before it
 *
 * Numbers are little endian. Positions count the bytes of all records since the log was made.
 */
export const KIND = { batch: 1, effect: 2, block: 3, empty: 4, replace: 5 } as const;

const HEADER_BYTES = 8;
/** What the batch record at the beginning of each write takes. */
const BATCH_BYTES = HEADER_BYTES + 13;

/** Up to this length a loop is cheaper than a call into native code. */
const SHORT = 24;

/** Whether an id can stand in records and file names. */
export function isNodeId(id: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(id);
}

/** What all records of a node begin with. */
export function nodePrefix(id: string, epoch: number): Buffer {
  const prefix = Buffer.alloc(1 + id.length + 6);
  prefix[0] = id.length;
  prefix.write(id, 1, 'latin1');
  prefix.writeUIntLE(epoch, 1 + id.length, 6);
  return prefix;
}

/** Records that are gathered until the next write, in one buffer that is used again. */
export class RecordBuffer {
  /** The position of the first byte. */
  position = 0;
  length = 0;
  private bytes = Buffer.allocUnsafeSlow(65_536);
  private start = 0;

  /** The position after the last record. */
  get end(): number {
    return this.position + this.length;
  }

  /** Makes the buffer empty again, beginning at a position. */
  reset(position: number): void {
    this.position = position;
    this.length = 0;
    if (this.bytes.length > 4_194_304) this.bytes = Buffer.allocUnsafeSlow(65_536);
  }

  view(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** Keeps room for the batch record, which is known when the buffer is written. */
  reserveBatch(): void {
    this.length = BATCH_BYTES;
  }

  /** Fills in the batch record. */
  fillBatch(syncedTo: number, nowMs: number): void {
    const { length } = this;
    this.length = 0;
    this.start = 0;
    this.length = HEADER_BYTES;
    this.byte(KIND.batch);
    this.uint48(syncedTo);
    this.uint48(nowMs);
    this.seal();
    this.length = length;
  }

  /** Begins a record of a node. */
  open(kind: number, prefix: Buffer, sequence: number): void {
    this.start = this.length;
    this.reserve(HEADER_BYTES + 1 + prefix.length + 6);
    this.length += HEADER_BYTES;
    this.byte(kind);
    for (let i = 0; i < prefix.length; i++) this.bytes[this.length++] = prefix[i]!;
    this.uint48(sequence);
  }

  /** Adds an effect to the open record. */
  effect(db: number, args: readonly string[]): void {
    this.reserve(6);
    this.byte(db);
    this.varint(args.length);
    for (const arg of args) {
      this.reserve(5 + arg.length);
      this.varint(arg.length);
      this.latin1(arg);
    }
  }

  /** Adds the count of a block. */
  count(value: number): void {
    this.reserve(5);
    this.varint(value);
  }

  /** Adds the rest of a body. */
  text(value: string): void {
    this.reserve(value.length);
    this.latin1(value);
  }

  /** Ends the open record and returns its size. */
  seal(): number {
    const { bytes, start, length } = this;
    const body = start + HEADER_BYTES;
    this.uint32(length - body, start);
    this.uint32(checksum(bytes, body, length, (this.position + start) >>> 0), start + 4);
    return length - start;
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

/** A batch record read back. */
interface BatchRecord {
  readonly kind: 1;
  readonly position: number;
  readonly end: number;
  readonly syncedTo: number;
}

/** A record of a node read back. `payload` is valid until more is read. */
export interface NodeRecord {
  readonly kind: 2 | 3 | 4 | 5;
  readonly position: number;
  readonly end: number;
  readonly node: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

export type LogRecord = BatchRecord | NodeRecord;

/** Reads the record at `at` of `bytes`: undefined when it is not whole or not right, or how many bytes it needs. */
export function readRecord(bytes: Buffer, at: number, position: number): LogRecord | { needs: number } | undefined {
  if (at + HEADER_BYTES > bytes.length) return { needs: HEADER_BYTES };
  const size = bytes.readUInt32LE(at);
  const start = at + HEADER_BYTES;
  if (size < 13) return undefined;
  if (start + size > bytes.length) return { needs: HEADER_BYTES + size };
  const kind = bytes[start];
  const idLength = bytes[start + 1]!;
  if (kind === KIND.batch ? size !== 13 : idLength > 100 || size < idLength + 14) return undefined;
  const body = bytes.subarray(start, start + size);
  if (checksum(bytes, start, start + size, position >>> 0) !== bytes.readUInt32LE(at + 4)) return undefined;
  const end = position + HEADER_BYTES + size;
  if (kind === KIND.batch) return { kind, position, end, syncedTo: body.readUIntLE(1, 6) };
  if (kind !== KIND.effect && kind !== KIND.block && kind !== KIND.empty && kind !== KIND.replace) return undefined;
  return {
    kind,
    position,
    end,
    node: body.toString('latin1', 2, 2 + idLength),
    epoch: body.readUIntLE(2 + idLength, 6),
    sequence: body.readUIntLE(8 + idLength, 6),
    payload: body.subarray(14 + idLength),
  };
}

/** The effects of a record whose checksum was right. */
export function effectsOf(record: NodeRecord): Effect[] {
  const { payload } = record;
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = payload[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const effects: Effect[] = [];
  for (let left = record.kind === KIND.block ? varint() : 1; left > 0; left--) {
    const db = payload[at++]!;
    const args: string[] = [];
    for (let count = varint(); count > 0; count--) {
      const size = varint();
      args.push(payload.toString('latin1', at, at + size));
      at += size;
    }
    effects.push({ db, args });
  }
  return effects;
}
