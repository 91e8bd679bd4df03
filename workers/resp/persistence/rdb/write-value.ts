import type { StringValue, Value } from '../../keyspace/value.ts';
import type { StreamValue } from '../../keyspace/stream-value.ts';
import { TYPE } from './format.ts';
import { compressLzfSliced } from './lzf.ts';
import type { RdbOutput } from './output.ts';
import { writeStreamSliced } from './write-stream.ts';

/** How many elements of a large collection are written between two looks at the clock. */
const SLICE = 128;
/** Strings longer than this are written and hashed in slices. */
const LARGE_BYTES = 32_768;

/** How many elements a value has; 1 for a string. */
export function elementsOf(value: Value): number {
  if (typeof value === 'string' || value.kind === 'string') return 1;
  return value.kind === 'list' ? value.length : value.size;
}

/** Whether a value takes so long to write or hash that others must have their turn meanwhile. */
export function isLarge(value: Value): boolean {
  if (typeof value === 'string' || value.kind === 'string') return value.length > LARGE_BYTES;
  return elementsOf(value) > SLICE;
}

/** The type byte a value is written with. */
export function typeByte(value: Value): number {
  if (typeof value === 'string') return TYPE.string;
  if (value.kind === 'stream') return TYPE.stream2;
  return value.kind === 'zset' ? TYPE.zset2 : TYPE[value.kind];
}

/** Writes a value's body, whatever its size. */
export function writeBody(out: RdbOutput, value: Value): void {
  if (typeof value === 'string') out.string(value);
  else for (const _ of writeBodySliced(out, value, Infinity));
}

/** Writes a value's body and yields every few hundred elements; the value must not change meanwhile. */
export function* writeBodySliced(out: RdbOutput, value: Value, slice = SLICE): Generator<void> {
  if (typeof value === 'string' || value.kind === 'string') yield* writeTextSliced(out, value);
  else if (value.kind === 'stream') yield* writeStreamSliced(out, value);
  else {
    out.size(elementsOf(value));
    yield* visitSliced(value, slice, (element, score) => {
      out.string(element);
      if (typeof score === 'number') out.double(score);
      else if (score !== undefined) out.string(score);
    });
  }
}

/** A short string at once; a long one in parts, since copying 100 MB takes as long as many requests. */
function* writeTextSliced(out: RdbOutput, value: StringValue): Generator<void> {
  if (typeof value === 'string' && value.length <= LARGE_BYTES) {
    out.string(value);
    return;
  }
  if (out.wouldCompress(value.length)) {
    const packed = yield* compressedSliced(value);
    if (packed !== undefined) {
      out.packed(packed, packed.length, value.length);
      return;
    }
  }
  out.size(value.length);
  for (let at = 0; at < value.length; at += LARGE_BYTES) {
    if (typeof value === 'string') out.raw(value.slice(at, at + LARGE_BYTES));
    else out.rawBytes(value.slice(at, at + LARGE_BYTES));
    yield;
  }
}

/** The text in LZF's form; undefined where that is not shorter. */
function* compressedSliced(value: StringValue): Generator<void, Buffer | undefined> {
  const { length } = value;
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; at += LARGE_BYTES) {
    if (typeof value === 'string') bytes.write(value.slice(at, at + LARGE_BYTES), at, 'latin1');
    else value.slice(at, at + LARGE_BYTES).copy(bytes, at);
    yield;
  }
  const out = Buffer.allocUnsafeSlow(length);
  const size = yield* compressLzfSliced(bytes, out);
  return size === 0 ? undefined : out.subarray(0, size);
}

/** What is visited of a collection: an element; a member and its score; or a field and its value. */
export type Visit = (element: string, second?: string | number) => void;

/** Visits all elements of a collection that is no stream, `slice` at a time, and yields between the slices. */
export function* visitSliced(
  value: Exclude<Value, string | StreamValue>,
  slice: number,
  visit: Visit,
): Generator<void> {
  const count = elementsOf(value);
  if (value.kind === 'list' || value.kind === 'zset') {
    for (let start = 0; start < count; start += slice) {
      const end = Math.min(start + slice, count) - 1;
      if (value.kind === 'list') value.range(start, end, visit);
      else value.range(start, end, (score, member) => visit(member, score));
      yield;
    }
    return;
  }
  if (value.kind === 'string') return;
  if (count <= slice) {
    if (value.kind === 'set') value.forEach(visit);
    else value.forEach((text, field) => visit(field, text));
    return;
  }
  let cursor = 0;
  do {
    if (value.kind === 'set') cursor = value.scan(cursor, slice, visit);
    else cursor = value.scan(cursor, slice, (text, field) => visit(field, text));
    yield;
  } while (cursor !== 0);
}
