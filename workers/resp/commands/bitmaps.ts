import type { Client } from '../clients/server.ts';
import { ByteString } from '../keyspace/byte-string.ts';
import { EMBEDDED_MAX } from '../keyspace/sizes.ts';
import type { StringValue } from '../keyspace/value.ts';
import { NOT_INTEGER, SYNTAX } from '../protocol/errors.ts';
import { parseInteger } from '../protocol/numbers.ts';
import { changed, clampRange, integerArg, makeRoom, readAs } from './arguments.ts';
import { bitmapRow } from './rows.ts';
import type { CommandSpec } from './command.ts';
import { withRoom } from './long-text.ts';
import { putWritable, writable } from './string-ranges.ts';
import { asNeeded, WINDOW } from './walk.ts';
import type { Walk } from './walk.ts';

const BIT_OFFSET_MAX = 2 ** 32;
const BAD_OFFSET = 'ERR bit offset is not an integer or out of range';

/** Reads a bit offset; when it is none, replies with the error and returns undefined. */
function offsetArg(client: Client, text: string): number | undefined {
  const offset = parseInteger(text);
  if (offset !== undefined && offset >= 0 && offset < BIT_OFFSET_MAX) return offset;
  client.reply.error(BAD_OFFSET);
  return undefined;
}

/** The bytes `from` to `to` (exclusive) of a value, as far as there are any; only to be read. Of a text no more than these are copied. */
export function bytesOf(value: StringValue | undefined, from: number, to: number): Uint8Array {
  if (value === undefined) return new Uint8Array(0);
  return typeof value === 'string' ? Buffer.from(value.slice(from, to), 'latin1') : value.slice(from, to);
}

function setBit(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const offset = offsetArg(client, args[2]!);
  if (offset === undefined) return undefined;
  if (args[3] !== '0' && args[3] !== '1') {
    reply.error('ERR bit is not an integer or out of range');
    return undefined;
  }
  return withRoom(client, args[1]!, (offset >>> 3) + 1, () => setBitAt(client, args, offset));
}

function setBitAt(client: Client, args: readonly string[], offset: number): void {
  const { reply } = client;
  const byte = offset >>> 3;
  const value = writable(client, args[1]!, byte + 1);
  if (value === undefined) return;
  const grown = value.length < byte + 1;
  value.extend(byte + 1);
  const mask = 0x80 >>> (offset & 7);
  const bytes = value.view();
  const old = (bytes[byte]! & mask) === 0 ? 0 : 1;
  if (!grown && String(old) === args[3] && client.db.peek(args[1]!) !== undefined) {
    reply.integer(old);
    return;
  }
  value.willChange(byte, byte + 1);
  bytes[byte] = args[3] === '1' ? bytes[byte]! | mask : bytes[byte]! & ~mask;
  putWritable(client, args[1]!, value);
  changed(client, '$', 'setbit', args[1]!);
  reply.integer(old);
}

function getBit(client: Client, args: readonly string[]): void {
  const offset = offsetArg(client, args[2]!);
  if (offset === undefined) return;
  const value = readAs(client, args[1]!, 'string');
  if (value === null) return;
  const at = offset >>> 3;
  const byte =
    value === undefined ? 0 : typeof value === 'string' ? value.charCodeAt(at) : (value.slice(at, at + 1)[0] ?? 0);
  client.reply.integer(((Number.isNaN(byte) ? 0 : byte) >>> (7 - (offset & 7))) & 1);
}

/** A longer result stays in the bytes it was made in. */
const COPIED_MAX = 65_536;
/** Bits, and bytes, that are looked at between two looks at the clock. */
const BITS_AT_ONCE = 262_144;
const BYTES_AT_ONCE = 16_384;

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest > 0; rest &= rest - 1) count++;
  return count;
});

/** Reads `start end [BYTE|BIT]` as a range of bits; null for an empty range, undefined when the error was sent. */
function bitRange(
  client: Client,
  args: readonly string[],
  at: number,
  length: number,
): { start: number; end: number } | null | undefined {
  const start = integerArg(client, args[at]!);
  if (start === undefined) return undefined;
  const end = args.length > at + 1 ? integerArg(client, args[at + 1]!) : -1;
  if (end === undefined) return undefined;
  const unit = args[at + 2]?.toUpperCase() ?? 'BYTE';
  if (args.length > at + 3 || (unit !== 'BYTE' && unit !== 'BIT')) {
    client.reply.error(SYNTAX);
    return undefined;
  }
  const size = unit === 'BIT' ? length * 8 : length;
  const range = clampRange(start, Math.max(end, -size), size);
  if (range === undefined) return null;
  return unit === 'BIT' ? range : { start: range.start * 8, end: range.end * 8 + 7 };
}

function countBits(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let byte = start >>> 3; byte <= end >>> 3; byte++) {
    let bits = bytes[byte]!;
    if (byte === start >>> 3) bits &= 0xff >>> (start & 7);
    if (byte === end >>> 3) bits &= 0xff << (7 - (end & 7));
    count += ONES[bits & 0xff]!;
  }
  return count;
}

/** Whether both ends count from the back and the end comes first: BITCOUNT finds nothing then, BITPOS clamps them. */
function isReversed(args: readonly string[]): boolean {
  const start = Number(args[2]);
  const end = Number(args[3]);
  return start < 0 && end < 0 && start > end;
}

function bitCount(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const value = readAs(client, args[1]!, 'string');
  if (value === null) return undefined;
  if (value === undefined) {
    reply.integer(0);
    return undefined;
  }
  if (args.length === 3 || args.length > 5) {
    reply.error(SYNTAX);
    return undefined;
  }
  const { length } = value;
  const range = args.length > 2 ? bitRange(client, args, 2, length) : { start: 0, end: length * 8 - 1 };
  if (range === undefined) return undefined;
  if (isReversed(args)) {
    reply.integer(0);
    return undefined;
  }
  if (range === null || length === 0) {
    reply.integer(0);
    return undefined;
  }
  return asNeeded(stepsOver(range), countAll(value, range.start, range.end));
  function* countAll(counted: StringValue, start: number, end: number): Walk {
    let ones = 0;
    for (const { bytes, from, to } of partsOf(counted, start, end)) {
      ones += countBits(bytes, from, to);
      yield;
    }
    reply.integer(ones);
  }
}

/** Part of a value, and the first and last of the bits in it that are looked at. */
interface BitsOfPart {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
  /** How many bits of the value precede the part. */
  readonly before: number;
}

/** Goes over the bits `start` to `end` of a value part by part. */
function* partsOf(value: StringValue, start: number, end: number): Generator<BitsOfPart> {
  for (let at = start; at <= end;) {
    const before = at - (at % 8);
    const last = Math.min(end, before + BITS_AT_ONCE - 1);
    const bytes = bytesOf(value, before / 8, Math.floor(last / 8) + 1);
    yield { bytes, from: at - before, to: last - before, before };
    at = last + 1;
  }
}

/** A range of bits as so many elements of a collection. */
function stepsOver({ start, end }: { readonly start: number; readonly end: number }): number {
  return ((end - start) / BITS_AT_ONCE) * WINDOW;
}

/** The first bit of a value from `start` to `end`, or -1. */
function findBit(bytes: Uint8Array, bit: 0 | 1, start: number, end: number): number {
  const skip = bit === 1 ? 0 : 0xff;
  for (let at = start; at <= end;) {
    if ((at & 7) === 0 && bytes[at >>> 3] === skip) {
      at += 8;
      continue;
    }
    if (((bytes[at >>> 3]! >>> (7 - (at & 7))) & 1) === bit) return at;
    at++;
  }
  return -1;
}

function bitPosition(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const bit = parseInteger(args[2]!);
  if (bit !== 0 && bit !== 1) {
    reply.error(bit === undefined ? NOT_INTEGER : 'ERR The bit argument must be 1 or 0.');
    return undefined;
  }
  const value = readAs(client, args[1]!, 'string');
  if (value === null) return undefined;
  if (value === undefined) {
    reply.integer(bit === 1 ? -1 : 0);
    return undefined;
  }
  const { length } = value;
  const range = args.length > 3 ? bitRange(client, args, 3, length) : { start: 0, end: length * 8 - 1 };
  if (range === undefined) return undefined;
  if (range === null) {
    reply.integer(-1);
    return undefined;
  }
  return asNeeded(stepsOver(range), find(value, range.start, range.end));
  function* find(searched: StringValue, start: number, end: number): Walk {
    let found = -1;
    for (const { bytes, from, to, before } of partsOf(searched, start, end)) {
      const place = findBit(bytes, bit as 0 | 1, from, to);
      if (place >= 0) {
        found = before + place;
        break;
      }
      yield;
    }
    // Without an end the value counts as followed by zeros.
    if (found < 0 && bit === 0 && args.length < 5 && length > 0) reply.integer(length * 8);
    else reply.integer(found);
  }
}

function bitOperation(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const operation = args[1]!.toUpperCase();
  if (!/^(?:AND|OR|XOR|NOT)$/.test(operation)) {
    reply.error(SYNTAX);
    return undefined;
  }
  if (operation === 'NOT' && args.length !== 4) {
    reply.error('ERR BITOP NOT must be called with a single source key.');
    return undefined;
  }
  const sources: (StringValue | undefined)[] = [];
  for (const key of args.slice(3)) {
    const value = readAs(client, key, 'string');
    if (value === null) return undefined;
    sources.push(value);
  }
  const length = sources.reduce((most, value) => Math.max(most, value?.length ?? 0), 0);
  return asNeeded(
    (length / BYTES_AT_ONCE) * sources.length * WINDOW,
    operateAll(client, operation, args[2]!, sources, length),
  );
}

function* operateAll(
  client: Client,
  operation: string,
  key: string,
  sources: readonly (StringValue | undefined)[],
  length: number,
): Walk {
  const { db, reply } = client;
  const result = Buffer.alloc(length);
  for (let start = 0; start < length; start += BYTES_AT_ONCE) {
    const end = Math.min(length, start + BYTES_AT_ONCE);
    for (const [at, source] of sources.entries()) {
      operate(operation, result.subarray(start, end), bytesOf(source, start, end), at === 0);
      yield;
    }
  }
  if (length > 0) {
    // What is short shows by its encoding that it is no text, and what is long would have to be copied.
    const asText = length > EMBEDDED_MAX && length <= COPIED_MAX;
    db.replace(key, asText ? result.toString('latin1') : ByteString.of(result));
    changed(client, '$', 'set', key);
  } else makeRoom(client, key);
  reply.integer(length);
}

/** Takes another source into a part of the result; one that is too short counts as followed by zeros. */
function operate(operation: string, result: Uint8Array, source: Uint8Array, first: boolean): void {
  for (let i = 0; i < result.length; i++) {
    const byte = source[i] ?? 0;
    if (first) result[i] = operation === 'NOT' ? ~byte : byte;
    else if (operation === 'AND') result[i] = result[i]! & byte;
    else if (operation === 'OR') result[i] = result[i]! | byte;
    else result[i] = result[i]! ^ byte;
  }
}

export const bitmapCommands: readonly CommandSpec[] = [
  bitmapRow('setbit', 4, 'write denyoom', '2.2.0', 'Sets or clears the bit at an offset.', setBit),
  bitmapRow('getbit', 3, 'readonly fast', '2.2.0', 'Returns a bit value by offset.', getBit),
  bitmapRow('bitcount', -2, 'readonly', '2.6.0', 'Counts the number of set bits in a string.', bitCount),
  bitmapRow('bitpos', -3, 'readonly', '2.8.7', 'Finds the first set or clear bit in a string.', bitPosition),
  bitmapRow('bitop', -4, 'write denyoom', '2.6.0', 'Performs bitwise operations on strings.', bitOperation, [2, -1, 1]),
];
