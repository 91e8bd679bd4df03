import { Dict } from './dict.ts';
import { FrozenShards } from './frozen.ts';
import type { Frozen } from './frozen.ts';
import { flattened, isItem, item, itemEnd, itemText } from './packed.ts';
import type { Packed } from './packed.ts';
import { DEFAULT_LIMITS, stringBytes } from './sizes.ts';
import type { EncodingLimits } from './sizes.ts';

/** The object itself, which is counted closely since there may be millions of small hashes. */
const HASH_BYTES = 48;

/** A hash: fields and values in one packed string while small (Redis's listpack), then a Dict. It never turns back. */
export class HashValue {
  charged = 0;
  /** How many fields it has. */
  size = 0;
  private content: Packed | LargeHash = '';

  get kind() {
    return 'hash' as const;
  }

  get encoding(): 'listpack' | 'hashtable' {
    return typeof this.content === 'string' ? 'listpack' : 'hashtable';
  }

  /** Bytes of all it holds. */
  get bytes(): number {
    const { content } = this;
    return HASH_BYTES + (typeof content === 'string' ? stringBytes(content) : content.payload + content.fields.bytes);
  }

  get(field: string): string | undefined {
    const { content } = this;
    if (typeof content !== 'string') return content.fields.get(field);
    const at = find(content, field);
    return at < 0 ? undefined : itemText(content, itemEnd(content, at));
  }

  has(field: string): boolean {
    const { content } = this;
    return typeof content === 'string' ? find(content, field) >= 0 : content.fields.has(field);
  }

  /** Sets a field and says whether it is new. */
  set(field: string, value: string, limits: EncodingLimits = DEFAULT_LIMITS): boolean {
    if (typeof this.content === 'string') {
      const at = find(this.content, field);
      const fits = field.length <= limits.hashValue && value.length <= limits.hashValue;
      if (fits && (at >= 0 || this.size < limits.hashEntries)) {
        this.content = withField(this.content, at, field, value);
        if (at < 0) this.size++;
        return at < 0;
      }
      this.content = this.unpacked(this.content);
    }
    const { fields } = this.content;
    const old = fields.exchange(field, value, 0, undefined);
    this.content.payload += stringBytes(value) - (old === undefined ? -stringBytes(field) : stringBytes(old));
    if (old === undefined) this.size++;
    return old === undefined;
  }

  private unpacked(packed: Packed): LargeHash {
    const large = { fields: new Dict<string>(), payload: 0 };
    forEachPair(packed, (value, field) => {
      // Both are copied: a part of a string would keep the whole of it.
      large.fields.set(copied(field), copied(value));
      large.payload += stringBytes(field) + stringBytes(value);
    });
    return large;
  }

  delete(field: string): boolean {
    const { content } = this;
    if (typeof content !== 'string') {
      const old = content.fields.take(field);
      if (old === undefined) return false;
      content.payload -= stringBytes(field) + stringBytes(old);
      this.size--;
      return true;
    }
    const at = find(content, field);
    if (at < 0) return false;
    const end = itemEnd(content, itemEnd(content, at));
    this.content = flattened(content.slice(0, at) + content.slice(end));
    this.size--;
    return true;
  }

  forEach(visit: (value: string, field: string) => void): void {
    if (typeof this.content === 'string') forEachPair(this.content, visit);
    else this.content.fields.forEach(visit);
  }

  /** As `Dict.scan`; a compact hash is returned whole. */
  scan(cursor: number, count: number, visit: (value: string, field: string) => void): number {
    if (typeof this.content !== 'string') return this.content.fields.scan(cursor, count, visit);
    this.forEach(visit);
    return 0;
  }

  /** A compact hash as it is now, which takes no time: its one string never changes. Undefined for others. */
  asCompact(): HashValue | undefined {
    if (typeof this.content !== 'string') return undefined;
    const same = new HashValue();
    same.content = this.content;
    same.size = this.size;
    return same;
  }

  /** Hands on all fields as they are now, part by part, while they change; undefined for a compact hash. */
  freeze(emit: (field: string, value: string) => void): Frozen | undefined {
    return typeof this.content === 'string' ? undefined : new FrozenShards(this.content.fields, emit);
  }

  randomField(): string | undefined {
    const { content } = this;
    if (typeof content !== 'string') return content.fields.randomKey();
    let at = 0;
    for (let skip = Math.floor(Math.random() * this.size); skip > 0; skip--)
      at = itemEnd(content, itemEnd(content, at));
    return content === '' ? undefined : itemText(content, at);
  }
}

interface LargeHash {
  readonly fields: Dict<string>;
  /** Bytes of the fields and values themselves. */
  payload: number;
}

/** Where a field begins, or -1. */
function find(packed: Packed, field: string): number {
  const { length } = packed;
  for (let at = 0; at < length;) {
    if (isItem(packed, at, field)) return at;
    at = itemEnd(packed, itemEnd(packed, at));
  }
  return -1;
}

/** The pairs with the value of the field at a place replaced, or with a new field at the end when there is none (-1). */
function withField(packed: Packed, at: number, field: string, value: string): Packed {
  if (at < 0) return flattened(packed + item(field) + item(value));
  const start = itemEnd(packed, at);
  if (isItem(packed, start, value)) return packed;
  return flattened(packed.slice(0, start) + item(value) + packed.slice(itemEnd(packed, start)));
}

function forEachPair(packed: Packed, visit: (value: string, field: string) => void): void {
  for (let at = 0; at < packed.length;) {
    const middle = itemEnd(packed, at);
    visit(itemText(packed, middle), itemText(packed, at));
    at = itemEnd(packed, middle);
  }
}

function copied(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
