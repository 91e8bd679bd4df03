import { ByteString } from './byte-string.ts';
import { HashValue } from './hash-value.ts';
import { ListValue } from './list-value.ts';
import { SetValue } from './set-value.ts';
import type { EncodingLimits } from './sizes.ts';
import { copyStream } from './stream-copy.ts';
import type { Value } from './value.ts';
import { ZSetValue } from './zset-value.ts';

/** A value of its own with the same contents. */
export function copyValue(value: Value, limits: EncodingLimits): Value {
  if (typeof value === 'string') return value;
  switch (value.kind) {
    case 'string':
      return new ByteString(value.toString());
    case 'hash': {
      const copy = new HashValue();
      value.forEach((item, field) => copy.set(field, item, limits));
      return copy;
    }
    case 'list': {
      const copy = new ListValue();
      value.forEach((element) => copy.pushTail(element));
      return copy;
    }
    case 'set': {
      const copy = new SetValue();
      value.forEach((member) => copy.add(member, limits));
      return copy;
    }
    case 'zset': {
      const copy = new ZSetValue();
      value.forEach((score, member) => copy.set(member, score, limits));
      return copy;
    }
    case 'stream':
      return copyStream(value);
  }
}
