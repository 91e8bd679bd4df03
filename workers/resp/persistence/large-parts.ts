import type { LargeString } from '../keyspace/large-string.ts';

/** Large strings that belong between the bytes of a buffer, where they are written from without having been copied into it. */
export class LargeParts {
  /** Bytes of all of them. */
  bytes = 0;
  private parts: { readonly at: number; readonly value: LargeString }[] = [];

  /** Adds one, at a place of the buffer that no other comes after. */
  add(at: number, value: LargeString): void {
    this.parts.push({ at, value: value.hold() });
    this.bytes += value.length;
  }

  /** The bytes of the buffer between two places, with what belongs between them, one after another. */
  *between(buffer: Buffer, start: number, end: number): Generator<Buffer> {
    let from = start;
    for (const { at, value } of this.parts) {
      if (at <= start || at > end) continue;
      if (at > from) yield buffer.subarray(from, at);
      for (const chunk of value.chunks) yield chunk.bytes();
      from = at;
    }
    if (end > from) yield buffer.subarray(from, end);
  }

  /** Lets go of all of them. */
  clear(): void {
    if (this.bytes === 0) return;
    for (const { value } of this.parts) value.letGo();
    this.parts = [];
    this.bytes = 0;
  }
}
