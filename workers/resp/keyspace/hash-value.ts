import { Dict } from './dict.ts';
import { DEFAULT_LIMITS, DICT_ENTRY_BYTES, OBJECT_BYTES, stringBytes } from './sizes.ts';
import type { EncodingLimits } from './sizes.ts';

/** A hash: a flat array of fields and values while small (Redis's listpack), then a Dict. It never turns back. */
export class HashValue {
  bytes = OBJECT_BYTES;
  charged = 0;
  private small: string[] | undefined = [];
  private large: Dict<string> | undefined;

  get kind() {
    return 'hash' as const;
  }

  get encoding(): 'listpack' | 'hashtable' {
    return this.small === undefined ? 'hashtable' : 'listpack';
  }

  get size(): number {
    return this.small === undefined ? this.large!.size : this.small.length / 2;
  }

  private indexOf(field: string): number {
    const small = this.small!;
    for (let i = 0; i < small.length; i += 2) if (small[i] === field) return i;
    return -1;
  }

  get(field: string): string | undefined {
    if (this.small === undefined) return this.large!.get(field);
    const at = this.indexOf(field);
    return at < 0 ? undefined : this.small[at + 1];
  }

  has(field: string): boolean {
    return this.small === undefined ? this.large!.has(field) : this.indexOf(field) >= 0;
  }

  /** Sets a field and says whether it is new. */
  set(field: string, value: string, limits: EncodingLimits = DEFAULT_LIMITS): boolean {
    if (this.small !== undefined) {
      const at = this.indexOf(field);
      const fits = field.length <= limits.hashValue && value.length <= limits.hashValue;
      if (fits && (at >= 0 || this.small.length / 2 < limits.hashEntries)) {
        if (at >= 0) {
          this.bytes += stringBytes(value) - stringBytes(this.small[at + 1]!);
          this.small[at + 1] = value;
          return false;
        }
        this.small.push(field, value);
        this.bytes += 16 + stringBytes(field) + stringBytes(value);
        return true;
      }
      this.convert();
    }
    const large = this.large!;
    const old = large.get(field);
    large.set(field, value);
    this.bytes +=
      old === undefined
        ? DICT_ENTRY_BYTES + stringBytes(field) + stringBytes(value)
        : stringBytes(value) - stringBytes(old);
    return old === undefined;
  }

  private convert(): void {
    const large = new Dict<string>();
    const small = this.small!;
    for (let i = 0; i < small.length; i += 2) large.set(small[i]!, small[i + 1]!);
    this.bytes += (DICT_ENTRY_BYTES - 16) * large.size + 200;
    this.large = large;
    this.small = undefined;
  }

  delete(field: string): boolean {
    if (this.small === undefined) {
      const old = this.large!.get(field);
      if (old === undefined) return false;
      this.large!.delete(field);
      this.bytes -= DICT_ENTRY_BYTES + stringBytes(field) + stringBytes(old);
      return true;
    }
    const at = this.indexOf(field);
    if (at < 0) return false;
    const [, old] = this.small.splice(at, 2);
    this.bytes -= 16 + stringBytes(field) + stringBytes(old!);
    return true;
  }

  forEach(visit: (value: string, field: string) => void): void {
    if (this.small === undefined) {
      this.large!.forEach(visit);
      return;
    }
    for (let i = 0; i < this.small.length; i += 2) visit(this.small[i + 1]!, this.small[i]!);
  }

  /** As `Dict.scan`; a compact hash is returned whole. */
  scan(cursor: number, count: number, visit: (value: string, field: string) => void): number {
    if (this.small === undefined) return this.large!.scan(cursor, count, visit);
    this.forEach(visit);
    return 0;
  }

  randomField(): string | undefined {
    if (this.small === undefined) return this.large!.randomKey();
    return this.small[Math.floor((Math.random() * this.small.length) / 2) * 2];
  }
}
