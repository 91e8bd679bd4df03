import { HashValue } from '../../keyspace/hash-value.ts';
import { ListValue } from '../../keyspace/list-value.ts';
import { SetValue } from '../../keyspace/set-value.ts';
import type { EncodingLimits } from '../../keyspace/sizes.ts';
import type { Value } from '../../keyspace/value.ts';
import { ZSetValue } from '../../keyspace/zset-value.ts';
import { readIntset, readListpack, readZiplist, readZipmap } from './compact.ts';
import { TYPE, UNSUPPORTED } from './format.ts';
import type { RdbInput } from './input.ts';
import { each, SLICE, whole } from './pauses.ts';
import type { Pause } from './pauses.ts';
import { readStream } from './read-stream.ts';

/** How many nodes of a list, which hold up to a few thousand elements each, are read between two looks at the clock. */
const SLICE_NODES = 4;

/** Reads a value of a type. Undefined for a collection without elements, which some old servers wrote. */
export function* readValue(
  input: RdbInput,
  type: number,
  limits?: EncodingLimits,
): Generator<Pause, Value | undefined> {
  switch (type) {
    case TYPE.string:
      return yield* whole(input, () => input.string());
    case TYPE.list:
    case TYPE.listZiplist:
    case TYPE.listQuicklist:
    case TYPE.listQuicklist2:
      return yield* readList(input, type);
    case TYPE.set:
    case TYPE.setIntset:
    case TYPE.setListpack:
      return yield* readSet(input, type, limits);
    case TYPE.hash:
    case TYPE.hashZipmap:
    case TYPE.hashZiplist:
    case TYPE.hashListpack:
      return yield* readHash(input, type, limits);
    case TYPE.zset:
    case TYPE.zset2:
    case TYPE.zsetZiplist:
    case TYPE.zsetListpack:
      return yield* readZSet(input, type, limits);
    case TYPE.stream:
    case TYPE.stream2:
    case TYPE.stream3:
      return yield* readStream(input, type);
    default: {
      const what = UNSUPPORTED[type];
      return input.fail(
        what === undefined ? `the value type ${type} is unknown` : `it holds ${what}, which is not supported yet`,
      );
    }
  }
}

function compact(input: RdbInput, read: (blob: Buffer) => string[] | undefined): string[] {
  return read(input.blob()) ?? input.fail('a compact collection is damaged');
}

function* readList(input: RdbInput, type: number): Generator<Pause, Value | undefined> {
  const list = new ListValue();
  const pushAll = (elements: readonly string[]): void => {
    for (const element of elements) list.pushTail(element);
  };
  if (type === TYPE.listZiplist) {
    pushAll(yield* whole(input, () => compact(input, readZiplist)));
  } else {
    const count = yield* whole(input, () => input.length());
    const readNode = (): void => {
      if (type === TYPE.list) list.pushTail(input.string());
      else if (type === TYPE.listQuicklist) pushAll(compact(input, readZiplist));
      else {
        const container = input.length();
        if (container === 1) list.pushTail(input.string());
        else if (container === 2) pushAll(compact(input, readListpack));
        else input.fail(`the list node container ${container} is unknown`);
      }
    };
    yield* each(input, count, readNode, type === TYPE.list ? SLICE : SLICE_NODES);
  }
  return list.length === 0 ? undefined : list;
}

function* readSet(input: RdbInput, type: number, limits?: EncodingLimits): Generator<Pause, Value | undefined> {
  const set = new SetValue();
  const add = (member: string): void => {
    if (!set.add(member, limits)) input.fail('a set has the same member twice');
  };
  if (type === TYPE.set) {
    const count = yield* whole(input, () => input.length());
    yield* each(input, count, () => add(input.string()));
  } else {
    const reader = type === TYPE.setIntset ? readIntset : readListpack;
    for (const member of yield* whole(input, () => compact(input, reader))) add(member);
  }
  return set.size === 0 ? undefined : set;
}

function* readHash(input: RdbInput, type: number, limits?: EncodingLimits): Generator<Pause, Value | undefined> {
  const hash = new HashValue();
  const set = (field: string, value: string): void => {
    if (!hash.set(field, value, limits)) input.fail('a hash has the same field twice');
  };
  if (type === TYPE.hash) {
    const count = yield* whole(input, () => input.length());
    yield* each(input, count, () => {
      const field = input.string();
      set(field, input.string());
    });
  } else {
    const reader = { [TYPE.hashZipmap]: readZipmap, [TYPE.hashZiplist]: readZiplist }[type] ?? readListpack;
    for (const [field, value] of yield* pairs(input, reader)) set(field, value);
  }
  return hash.size === 0 ? undefined : hash;
}

function* readZSet(input: RdbInput, type: number, limits?: EncodingLimits): Generator<Pause, Value | undefined> {
  const zset = new ZSetValue();
  const set = (member: string, score: number): void => {
    if (Number.isNaN(score)) input.fail('a sorted set has a score that is not a number');
    if (!zset.put(member, score, limits)) input.fail('a sorted set has the same member twice');
  };
  if (type === TYPE.zset || type === TYPE.zset2) {
    const count = yield* whole(input, () => input.length());
    yield* each(input, count, () => {
      const member = input.string();
      set(member, type === TYPE.zset2 ? input.double() : oldScore(input));
    });
  } else {
    const reader = type === TYPE.zsetZiplist ? readZiplist : readListpack;
    for (const [member, score] of yield* pairs(input, reader)) set(member, parseScore(score));
  }
  zset.complete();
  return zset.size === 0 ? undefined : zset;
}

function* pairs(input: RdbInput, reader: (blob: Buffer) => string[] | undefined): Generator<Pause, [string, string][]> {
  const elements = yield* whole(input, () => compact(input, reader));
  if (elements.length % 2 === 1) input.fail('a compact collection of pairs has an odd number of elements');
  const result: [string, string][] = [];
  for (let i = 0; i < elements.length; i += 2) result.push([elements[i]!, elements[i + 1]!]);
  return result;
}

/** A score as old versions wrote it: a length and decimal digits, or one byte for what is no decimal number. */
function oldScore(input: RdbInput): number {
  const length = input.byte();
  if (length === 253) return Number.NaN;
  if (length === 254) return Infinity;
  if (length === 255) return -Infinity;
  return parseScore(input.text(length));
}

function parseScore(text: string): number {
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  return text.trim() === '' ? Number.NaN : Number(text);
}
