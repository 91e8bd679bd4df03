import { bytesAsItCame, copyAsItCame, copyNow } from '../../protocol/as-it-came.ts';

/** Up to this length a loop is cheaper than a call into native code. */
const SHORT = 24;
const FIRST_BYTES = 65_536;
const KEPT_BYTES = 4_194_304;

/** Commands as RESP that gather until the next write, in one buffer that is used again. */
export class CommandBuffer {
  length = 0;
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);

  reset(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  view(): Buffer {
    copyNow();
    return this.bytes.subarray(0, this.length);
  }

  /** Adds a command: an array of bulk strings. */
  command(args: readonly string[]): void {
    const size = bytesAsItCame(args);
    if (size > 0) {
      this.reserve(size);
      copyAsItCame(this, this.length);
      this.length += size;
      return;
    }
    this.header(42, args.length);
    for (const arg of args) this.bulk(arg);
  }

  /** Adds a SET of a value that follows in parts, and then the end of a line. */
  set(key: string, valueLength: number): void {
    this.header(42, 3);
    this.bulk('SET');
    this.bulk(key);
    this.header(36, valueLength);
  }

  /** Adds a part of a value. */
  part(text: string): void {
    this.reserve(text.length);
    this.latin1(text);
  }

  /** Adds a line as it is, with its end. */
  line(text: string): void {
    this.reserve(text.length + 2);
    this.latin1(text);
    this.lineEnd();
  }

  private bulk(text: string): void {
    this.header(36, text.length);
    this.reserve(text.length + 2);
    this.latin1(text);
    this.lineEnd();
  }

  /** A type byte and a number. */
  private header(type: number, value: number): void {
    this.reserve(20);
    const { bytes } = this;
    bytes[this.length++] = type;
    if (value < 10) bytes[this.length++] = 48 + value;
    else if (value < 100) {
      const tens = (value / 10) | 0;
      bytes[this.length++] = 48 + tens;
      bytes[this.length++] = 48 + value - tens * 10;
    } else this.latin1(String(value));
    this.lineEnd();
  }

  private lineEnd(): void {
    this.bytes[this.length++] = 13;
    this.bytes[this.length++] = 10;
  }

  private latin1(text: string): void {
    const { length } = text;
    if (length > SHORT) {
      this.length += this.bytes.write(text, this.length, 'latin1');
      return;
    }
    for (let i = 0; i < length; i++) this.bytes[this.length++] = text.charCodeAt(i);
  }

  private reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + size));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
