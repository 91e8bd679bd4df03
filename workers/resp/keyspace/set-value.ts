import { Dict } from './dict.ts';
import { FrozenShards } from './frozen.ts';
import type { Frozen } from './frozen.ts';
import { arrayBytes, DEFAULT_LIMITS, OBJECT_BYTES, stringBytes } from './sizes.ts';
import type { EncodingLimits } from './sizes.ts';

/** Above this a linear search costs more than the table it saves. */
const ARRAY_MAX = 128;

/** Whether a byte string is a 64-bit integer in its shortest form, as Redis's integer sets need. */
function isInteger(text: string): boolean {
  const { length } = text;
  if (length === 0 || length > 20) return false;
  if (length < 16) {
    const number = Number(text);
    return Number.isInteger(number) && String(number) === text;
  }
  return /^-?[1-9]\d*$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

/** A set: an array while small, then a Dict. `encoding` is the one Redis 7.2 would have chosen. It never turns back. */
export class SetValue {
  charged = 0;
  /** Bytes of the members themselves. */
  private payload = 0;
  encoding: 'intset' | 'listpack' | 'hashtable' = 'intset';
  private small: string[] | undefined = [];
  private large: Dict<true> | undefined;

  get kind() {
    return 'set' as const;
  }

  /** Bytes of all it holds. */
  get bytes(): number {
    return OBJECT_BYTES + this.payload + (this.small === undefined ? this.large!.bytes : arrayBytes(this.small.length));
  }

  get size(): number {
    return this.small === undefined ? this.large!.size : this.small.length;
  }

  has(member: string): boolean {
    return this.small === undefined ? this.large!.has(member) : this.small.includes(member);
  }

  /** Adds a member and says whether it is new. */
  add(member: string, limits: EncodingLimits = DEFAULT_LIMITS): boolean {
    if (this.has(member)) return false;
    if (this.encoding !== 'hashtable') this.encoding = this.encodingWith(member, limits);
    if (this.small !== undefined && this.small.length >= ARRAY_MAX) this.convert();
    if (this.small === undefined) this.large!.set(member, true);
    else this.small.push(member);
    this.payload += stringBytes(member);
    return true;
  }

  private encodingWith(member: string, limits: EncodingLimits): 'intset' | 'listpack' | 'hashtable' {
    const size = this.size + 1;
    const integers = this.encoding === 'intset' && isInteger(member);
    if (integers && size <= limits.setIntsetEntries) return 'intset';
    if (size > limits.setEntries || member.length > limits.setValue) return 'hashtable';
    if (this.encoding === 'listpack') return 'listpack';
    let longest = 0;
    this.forEach((other) => {
      longest = Math.max(longest, other.length);
    });
    return longest <= limits.setValue ? 'listpack' : 'hashtable';
  }

  private convert(): void {
    const large = new Dict<true>({ keysOnly: true });
    for (const member of this.small!) large.set(member, true);
    this.large = large;
    this.small = undefined;
  }

  delete(member: string): boolean {
    if (this.small === undefined) {
      if (!this.large!.delete(member)) return false;
      this.payload -= stringBytes(member);
      return true;
    }
    const at = this.small.indexOf(member);
    if (at < 0) return false;
    this.small.splice(at, 1);
    this.payload -= stringBytes(member);
    return true;
  }

  forEach(visit: (member: string) => void): void {
    if (this.small === undefined) this.large!.forEach((_, member) => visit(member));
    else for (const member of this.small) visit(member);
  }

  members(): string[] {
    return this.small === undefined ? this.large!.keys() : [...this.small];
  }

  /** As `Dict.scan`; a small set is returned whole. */
  scan(cursor: number, count: number, visit: (member: string) => void): number {
    if (this.small === undefined && this.encoding !== 'intset') {
      return this.large!.scan(cursor, count, (_, member) => visit(member));
    }
    this.forEach(visit);
    return 0;
  }

  /** Hands on all members as they are now, part by part, while they change; undefined for a small set. */
  freeze(emit: (member: string) => void): Frozen | undefined {
    return this.large === undefined ? undefined : new FrozenShards(this.large, emit);
  }

  randomMember(): string | undefined {
    if (this.small === undefined) return this.large!.randomKey();
    return this.small[Math.floor(Math.random() * this.small.length)];
  }
}
