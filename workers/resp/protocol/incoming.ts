import type { Latin1Buffer } from './words.ts';

/**
 * The bytes that have come over a connection and were not yet taken. They are read from a buffer that is shared by all
 * connections, and only what a request still lacks the rest of is kept, so an idle connection has no buffer.
 */
export class Incoming {
  protected buffer: Latin1Buffer | undefined;
  protected at = 0;
  protected end = 0;

  /** How many bytes there are. */
  protected get left(): number {
    return this.buffer === undefined ? 0 : this.end - this.at;
  }

  /** Gives the next bytes; they are read in place until `rest` is called. */
  feed(chunk: Buffer, length: number): void {
    const { left } = this;
    if (left === 0) {
      this.buffer = chunk as Latin1Buffer;
      this.at = 0;
      this.end = length;
      return;
    }
    const joined = Buffer.allocUnsafe(left + length) as Latin1Buffer;
    this.buffer!.copy(joined, 0, this.at, this.end);
    chunk.copy(joined, left, 0, length);
    this.buffer = joined;
    this.at = 0;
    this.end = joined.length;
  }

  /** Copies what is left, since the shared buffer is about to be reused. */
  rest(): void {
    if (this.buffer === undefined) return;
    if (this.at === this.end) {
      this.buffer = undefined;
      return;
    }
    this.buffer = Buffer.from(this.buffer.subarray(this.at, this.end)) as Latin1Buffer;
    this.end = this.buffer.length;
    this.at = 0;
  }

  /** Gives up what is left, between two requests. */
  surrender(): string {
    const left = this.buffer?.latin1Slice(this.at, this.end) ?? '';
    this.buffer = undefined;
    return left;
  }
}
