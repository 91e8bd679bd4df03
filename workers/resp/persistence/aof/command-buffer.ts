import { bytesAsItCame, copyAsItCame, copyNow } from '../../protocol/as-it-came.ts';
import type { LargeString } from '../../keyspace/large-string.ts';
import { valueAt } from '../../protocol/large-arguments.ts';
import { LargeParts } from '../large-parts.ts';

/** Up to this length a loop is cheaper than a call into native code. */
const SHORT = 24;
const FIRST_BYTES = 65_536;
const KEPT_BYTES = 4_194_304;

/** Commands as RESP that gather until the next write, in one buffer that is used again, with large values beside it. */
export class CommandBuffer {
  /** Bytes that are in the buffer itself. */
  length = 0;
  private readonly large = new LargeParts();
  bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);

  reset(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** Bytes of all commands. */
  get size(): number {
    return this.length + this.large.bytes;
  }

  /** All bytes of commands without large values. */
  view(): Buffer {
    copyNow();
    return this.bytes.subarray(0, this.length);
  }

  /** All bytes, one part after another. */
  parts(): Iterable<Buffer> {
    copyNow();
    return this.large.between(this.bytes, 0, this.length);
  }

  /** All was written: lets go of the large values. */
  written(): void {
    this.large.clear();
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
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!;
      if (arg === '') this.bulk(valueAt(args, i));
      else this.bulk(arg);
    }
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

  private bulk(value: string | LargeString): void {
    this.header(36, value.length);
    if (typeof value === 'string') {
      this.reserve(value.length + 2);
      this.latin1(value);
    } else {
      this.reserve(2);
      this.large.add(this.length, value);
    }
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
