import type { Client } from '../clients/server.ts';
import type { StringValue } from '../keyspace/value.ts';
import { NOT_INTEGER, SYNTAX } from '../protocol/errors.ts';
import { parseBigInteger, parseInteger } from '../protocol/numbers.ts';
import { changed, ofType, readAs } from './arguments.ts';
import { bitmapRow } from './rows.ts';
import { bytesOf } from './bitmaps.ts';
import type { CommandSpec, Run } from './command.ts';
import { withRoom } from './long-text.ts';
import { putWritable, writable } from './string-ranges.ts';

type Overflow = 'WRAP' | 'SAT' | 'FAIL';

interface FieldType {
  readonly signed: boolean;
  readonly bits: number;
}

interface Operation {
  readonly kind: 'GET' | 'SET' | 'INCRBY';
  readonly type: FieldType;
  readonly offset: number;
  readonly value: bigint;
  readonly overflow: Overflow;
}

const BAD_TYPE = 'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.';
const BAD_OFFSET = 'ERR bit offset is not an integer or out of range';

function fieldType(text: string): FieldType | undefined {
  const match = /^([iu])(\d{1,2})$/.exec(text);
  const bits = Number(match?.[2]);
  const signed = match?.[1] === 'i';
  return match !== null && bits >= 1 && bits <= (signed ? 64 : 63) ? { signed, bits } : undefined;
}

function offsetOf(text: string, bits: number): number | undefined {
  const hash = text.startsWith('#');
  const number = parseInteger(hash ? text.slice(1) : text);
  if (number === undefined || number < 0) return undefined;
  const offset = hash ? number * bits : number;
  return offset + bits <= 2 ** 32 ? offset : undefined;
}

/** Reads all operations before any is carried out; an error line when one makes no sense. */
function operationsOf(args: readonly string[], readOnly: boolean): Operation[] | string {
  const operations: Operation[] = [];
  let overflow: Overflow = 'WRAP';
  for (let i = 2; i < args.length;) {
    const kind = args[i]!.toUpperCase();
    if (kind === 'OVERFLOW' && i + 1 < args.length) {
      const mode = args[i + 1]!.toUpperCase();
      if (mode !== 'WRAP' && mode !== 'SAT' && mode !== 'FAIL') return 'ERR Invalid OVERFLOW type specified';
      overflow = mode;
      i += 2;
      continue;
    }
    const length = kind === 'GET' ? 3 : kind === 'SET' || kind === 'INCRBY' ? 4 : 0;
    if (length === 0 || i + length > args.length) return SYNTAX;
    const type = fieldType(args[i + 1]!);
    if (type === undefined) return BAD_TYPE;
    const offset = offsetOf(args[i + 2]!, type.bits);
    if (offset === undefined) return BAD_OFFSET;
    const value = length === 4 ? parseBigInteger(args[i + 3]!) : 0n;
    if (value === undefined) return NOT_INTEGER;
    if (readOnly && kind !== 'GET') return 'ERR BITFIELD_RO only supports the GET subcommand';
    operations.push({ kind: kind as Operation['kind'], type, offset, value, overflow });
    i += length;
  }
  return operations;
}

function readField(bytes: Uint8Array, { signed, bits }: FieldType, offset: number): bigint {
  let value = 0n;
  for (let i = 0; i < bits; i++) {
    const at = offset + i;
    const bit = ((bytes[Math.floor(at / 8)] ?? 0) >>> (7 - (at % 8))) & 1;
    value = (value << 1n) | BigInt(bit);
  }
  return signed ? BigInt.asIntN(bits, value) : value;
}

function writeField(bytes: Uint8Array, { bits }: FieldType, offset: number, value: bigint): void {
  for (let i = 0; i < bits; i++) {
    const at = offset + i;
    const mask = 0x80 >>> (at % 8);
    const byte = Math.floor(at / 8);
    const bit = (value >> BigInt(bits - 1 - i)) & 1n;
    bytes[byte] = bit === 1n ? bytes[byte]! | mask : bytes[byte]! & ~mask;
  }
}

/**
 * What SET means by a value: unsigned types take it as unsigned whatever its sign, and for signed ones the least numbers count
 * as too large, because Redis's room up to the maximum overflows.
 */
function settable(value: bigint, { signed, bits }: FieldType): bigint {
  if (!signed) return BigInt.asUintN(64, value);
  const room = (1n << BigInt(bits - 1)) - 1n - value;
  return bits < 64 && room >= 2n ** 63n ? value + 2n ** 64n : value;
}

/** Brings a value into the range of its type, or undefined when it must fail. */
function fit(value: bigint, { signed, bits }: FieldType, overflow: Overflow): bigint | undefined {
  const max = signed ? (1n << BigInt(bits - 1)) - 1n : (1n << BigInt(bits)) - 1n;
  const min = signed ? -(1n << BigInt(bits - 1)) : 0n;
  if (value >= min && value <= max) return value;
  if (overflow === 'FAIL') return undefined;
  if (overflow === 'SAT') return value > max ? max : min;
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

function replyTo(client: Client, results: readonly (bigint | undefined)[]): void {
  client.reply.array(results.length);
  for (const result of results) {
    if (result === undefined) client.reply.null();
    else client.reply.integer(result);
  }
}

/** A field of a value, of which only the bytes around it are looked at. */
function fieldOf(value: StringValue | undefined, type: FieldType, offset: number): bigint {
  const from = Math.floor(offset / 8);
  return readField(bytesOf(value, from, from + FIELD_BYTES_MAX), type, offset - from * 8);
}

/** A field has up to 64 bits and may begin within a byte. */
const FIELD_BYTES_MAX = 9;

function bitField(readOnly: boolean): Run {
  return (client, args) => {
    const key = args[1]!;
    const operations = operationsOf(args, readOnly);
    if (typeof operations === 'string') {
      client.reply.error(operations);
      return undefined;
    }
    const writes = operations.filter(({ kind }) => kind !== 'GET');
    // Only one that reads counts what it finds or misses.
    const current = writes.length === 0 ? readAs(client, key, 'string') : ofType(client, client.db.peek(key), 'string');
    if (current === null) return undefined;
    if (writes.length === 0) {
      replyTo(
        client,
        operations.map(({ type, offset }) => fieldOf(current, type, offset)),
      );
      return undefined;
    }
    const bytesNeeded = Math.max(...writes.map(({ type, offset }) => Math.ceil((offset + type.bits) / 8)));
    return withRoom(client, key, bytesNeeded, () => writeFields(client, key, operations, bytesNeeded));
  };
}

function writeFields(client: Client, key: string, operations: readonly Operation[], bytesNeeded: number): void {
  const isNew = client.db.peek(key) === undefined;
  const value = writable(client, key, bytesNeeded);
  if (value === undefined) return;
  const grown = isNew || value.length < bytesNeeded;
  value.extend(bytesNeeded);
  const bytes = value.view();
  let changes = 0;
  const results = operations.map(({ kind, type, offset, value: given, overflow }) => {
    const old = readField(bytes, type, offset);
    if (kind === 'GET') return old;
    const wanted = kind === 'SET' ? given : old + given;
    const fitted = fit(kind === 'SET' ? settable(wanted, type) : wanted, type, overflow);
    if (fitted === undefined) return undefined;
    value.willChange(offset >>> 3, ((offset + type.bits) >>> 3) + 1);
    writeField(bytes, type, offset, fitted);
    if (grown || fitted !== old) changes++;
    return kind === 'SET' ? old : fitted;
  });
  if (grown || changes > 0) putWritable(client, key, value);
  if (changes > 0) changed(client, '$', 'setbit', key, changes);
  replyTo(client, results);
}

export const bitFieldCommands: readonly CommandSpec[] = [
  bitmapRow('bitfield', -2, 'write denyoom', '3.2.0', 'Performs operations on integers in a string.', bitField(false)),
  bitmapRow('bitfield_ro', -2, 'readonly fast', '6.0.0', 'Reads integers in a string.', bitField(true)),
];
