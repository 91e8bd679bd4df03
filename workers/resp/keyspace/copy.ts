import { ByteString } from './byte-string.ts';
import { HashValue } from './hash-value.ts';
import { ListValue } from './list-value.ts';
import { SetValue } from './set-value.ts';
import type { EncodingLimits } from './sizes.ts';
import { copyStream } from './stream-copy.ts';
import type { Value } from './value.ts';
import { ZSetValue } from './zset-value.ts';

/** Elements that are copied from one step to the next. */
const AT_ONCE = 256;

/** A value of its own with the same contents, made in steps. */
export function* copyValue(value: Value, limits: EncodingLimits): Generator<void, Value> {
  if (typeof value === 'string') return value;
  switch (value.kind) {
    case 'string':
      return value instanceof ByteString ? new ByteString(value.toString()) : value.share();
    case 'hash': {
      const copy = new HashValue();
      const add = (item: string, field: string): void => void copy.set(field, item, limits);
      // What is compact keeps its order.
      if (value.encoding === 'hashtable') yield* scanned((cursor) => value.scan(cursor, AT_ONCE, add));
      else value.forEach(add);
      return copy;
    }
    case 'list': {
      const copy = new ListValue();
      for (let at = 0; at < value.length; at += AT_ONCE) {
        value.range(at, Math.min(value.length, at + AT_ONCE) - 1, (element) => copy.pushTail(element));
        yield;
      }
      return copy;
    }
    case 'set': {
      const copy = new SetValue();
      const add = (member: string): void => void copy.add(member, limits);
      if (value.encoding === 'hashtable') yield* scanned((cursor) => value.scan(cursor, AT_ONCE, add));
      else value.forEach(add);
      return copy;
    }
    case 'zset': {
      const copy = new ZSetValue();
      if (value.encoding === 'skiplist') copy.convert();
      for (let at = 0; at < value.size; at += AT_ONCE) {
        value.range(
          at,
          Math.min(value.size, at + AT_ONCE) - 1,
          (score, member) => void copy.set(member, score, limits),
        );
        yield;
      }
      return copy;
    }
    case 'stream':
      return yield* copyStream(value);
  }
}

function* scanned(scan: (cursor: number) => number): Generator<void> {
  let cursor = 0;
  do {
    cursor = scan(cursor);
    yield;
  } while (cursor !== 0);
}
