import { createHash, hash } from 'node:crypto';
import type { Hash } from 'node:crypto';

import { typeOf } from '../keyspace/value.ts';
import type { Value } from '../keyspace/value.ts';
import type { StreamValue } from '../keyspace/stream-value.ts';
import { addStream } from './digest-stream.ts';
import { elementsOf, visitSliced } from './rdb/write-value.ts';

/** Up to this size a set or hash is hashed sorted, as one text; above it each element on its own, which needs no sorting. */
const SORTED_MAX = 128;
/** Bytes after which a text is hashed, and characters of a long string hashed at a time. */
const PART = 65_536;
/** How many elements are added between two looks at the clock. */
const SLICE = 128;
const LANES = 8;

const TYPE_CODE = { string: 's', list: 'l', set: 'e', hash: 'h', zset: 'z', stream: 'x' } as const;

/**
 * An order-independent digest of keys: the sum, in eight lanes modulo 2^32, of a SHA-256 for each key over its database,
 * name, type, expiry in milliseconds and canonical value. Encodings, insertion order and the order of addition make no
 * difference, so a live keyspace, a snapshot of it and what was loaded from that compare equal.
 *
 * The text hashed for a key (UTF-8 of byte strings, each with its length before it) is: `<db> <type> <expiry or -> ` key,
 * then the elements: a list's in order; of others up to 128 elements a sorted set's (member, score as IEEE 754 hex) by score
 * and bytes, a set's and a hash's sorted by bytes, and beyond that the lane sums of the SHA-256 of each element; a stream's as
 * digest-stream.ts says.
 */
export class KeyspaceDigest {
  /** How many keys were added. */
  keys = 0;
  private readonly lanes = new Uint32Array(LANES);

  /** Adds one key. */
  add(db: number, key: string, value: Value, expireAtMs: number | undefined): void {
    if (typeof value === 'string' && value.length < PART) {
      this.keys++;
      addTo(this.lanes, hash('sha256', `${head(db, key, value, expireAtMs)}${value}`, 'binary'));
      return;
    }
    for (const _ of this.addSliced(db, key, value, expireAtMs));
  }

  /** Adds one key of any size and yields now and then; the value must not change meanwhile. */
  *addSliced(db: number, key: string, value: Value, expireAtMs: number | undefined): Generator<void> {
    this.keys++;
    const text = new HashedText(head(db, key, value, expireAtMs));
    if (typeof value === 'string' || value.kind === 'string') {
      for (let at = 0; at < value.length; at += PART) {
        text.add(
          typeof value === 'string' ? value.slice(at, at + PART) : value.slice(at, at + PART).toString('latin1'),
        );
        yield;
      }
    } else if (value.kind === 'stream') yield* addStream((part) => text.add(part), value);
    else if (value.kind === 'list' || (value.kind === 'zset' && value.size <= SORTED_MAX)) {
      yield* visitSliced(value, SLICE, (element, score) => {
        text.add(sized(element));
        if (typeof score === 'number') text.add(doubleHex(score));
      });
    } else yield* addUnordered(text, value);
    addTo(this.lanes, text.digest());
  }

  /** Adds one large collection that is no stream and whose elements are given one by one, a list's in order. */
  open(
    db: number,
    key: string,
    value: Exclude<Value, string | StreamValue>,
    expireAtMs: number | undefined,
  ): LargeDigest {
    this.keys++;
    return new LargeDigest(new HashedText(head(db, key, value, expireAtMs)), value.kind === 'list', this.lanes);
  }

  /** The digest as `sum-sha256:` and 64 hex digits. */
  toString(): string {
    return `sum-sha256:${lanesHex(this.lanes)}`;
  }
}

function* addUnordered(text: HashedText, value: Exclude<Value, string | StreamValue>): Generator<void> {
  if (elementsOf(value) <= SORTED_MAX) {
    const elements: string[] = [];
    const collect = (element: string, second?: string | number): void => {
      elements.push(second === undefined ? sized(element) : sized(element) + sized(String(second)));
    };
    for (const _ of visitSliced(value, Infinity, collect));
    for (const element of elements.sort()) text.add(element);
    return;
  }
  const elements = new ElementSum();
  yield* visitSliced(value, SLICE, (element, second) => elements.add(element, second));
  text.add(elements.toString());
}

/** The sum over the elements of a large collection. */
class ElementSum {
  private readonly lanes = new Uint32Array(LANES);

  add(element: string, second?: string | number): void {
    let line = sized(element);
    if (typeof second === 'number') line += doubleHex(second);
    else if (second !== undefined) line += sized(second);
    addTo(this.lanes, hash('sha256', line, 'binary'));
  }

  toString(): string {
    return lanesHex(this.lanes);
  }
}

/** A large collection on its way into a digest. */
export class LargeDigest {
  private readonly text: HashedText;
  private readonly elements: ElementSum | undefined;
  private readonly lanes: Uint32Array;

  constructor(text: HashedText, ordered: boolean, lanes: Uint32Array) {
    this.text = text;
    this.elements = ordered ? undefined : new ElementSum();
    this.lanes = lanes;
  }

  add(element: string, second?: string | number): void {
    if (this.elements === undefined) this.text.add(sized(element));
    else this.elements.add(element, second);
  }

  end(): void {
    if (this.elements !== undefined) this.text.add(this.elements.toString());
    addTo(this.lanes, this.text.digest());
  }
}

function head(db: number, key: string, value: Value, expireAtMs: number | undefined): string {
  return `${db} ${TYPE_CODE[typeOf(value)]} ${expireAtMs ?? '-'} ${key.length}:${key}`;
}

function sized(text: string): string {
  return `${text.length}:${text}`;
}

const double = Buffer.alloc(8);

function doubleHex(value: number): string {
  // Zero has no sign here: a real server's compact encodings lose it.
  double.writeDoubleBE(value + 0);
  return double.toString('hex');
}

/** Adds a SHA-256, given as 32 characters of a byte each: reading hex would take longer than hashing. */
function addTo(lanes: Uint32Array, sum: string): void {
  for (let lane = 0, at = 0; lane < LANES; lane++, at += 4) {
    const high = (sum.charCodeAt(at) << 24) | (sum.charCodeAt(at + 1) << 16);
    lanes[lane]! += high | (sum.charCodeAt(at + 2) << 8) | sum.charCodeAt(at + 3);
  }
}

function lanesHex(lanes: Uint32Array): string {
  return Array.from(lanes, (lane) => lane.toString(16).padStart(8, '0')).join('');
}

/** A text that is hashed in one call while it is short, which is much cheaper, and piece by piece once it is long. */
class HashedText {
  private text: string;
  private running: Hash | undefined;

  constructor(text: string) {
    this.text = text;
  }

  add(part: string): void {
    this.text += part;
    if (this.text.length < PART) return;
    this.running ??= createHash('sha256');
    this.running.update(this.text);
    this.text = '';
  }

  /** The SHA-256 of all of it, as 32 characters of a byte each. */
  digest(): string {
    return this.running?.update(this.text).digest('binary') ?? hash('sha256', this.text, 'binary');
  }
}
