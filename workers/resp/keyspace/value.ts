import { ByteString } from './byte-string.ts';
import type { HashValue } from './hash-value.ts';
import { LargeString } from './large-string.ts';
import type { ListValue } from './list-value.ts';
import type { SetValue } from './set-value.ts';
import { stringBytes } from './sizes.ts';
import type { StreamValue } from './stream-value.ts';
import type { ZSetValue } from './zset-value.ts';

/**
 * All byte strings (keys, values, fields, members, arguments) are JavaScript strings with one char per byte
 * ("latin1", char codes 0 to 255): V8 keeps them at one byte a char and compares and hashes them natively.
 */
export type StringValue = string | ByteString | LargeString;

/** What a key can hold. */
export type Value = StringValue | HashValue | ListValue | SetValue | ZSetValue | StreamValue;

export type TypeName = 'string' | 'hash' | 'list' | 'set' | 'zset' | 'stream';

/** The name TYPE gives. */
export function typeOf(value: Value): TypeName {
  return typeof value === 'string' ? 'string' : value.kind;
}

export function isString(value: Value): value is StringValue {
  return typeof value === 'string' || value.kind === 'string';
}

/** The bytes of a string value. */
export function textOf(value: StringValue): string {
  return typeof value === 'string' ? value : value.toString();
}

/** The estimated memory of a value in bytes; constant time, since collections keep count themselves. */
export function bytesOf(value: Value): number {
  return typeof value === 'string' ? stringBytes(value) : value.bytes;
}

/** A string value that can be written in place. */
export function mutable(value: StringValue, capacity: number): ByteString {
  return value instanceof ByteString ? value : new ByteString(value, capacity);
}
