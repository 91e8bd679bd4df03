import { GatheredString } from '../keyspace/large-string.ts';
import { moved } from '../keyspace/large-text.ts';
import { cameAs, forgetAsItCame } from './as-it-came.ts';
import { Gathering } from './gathering.ts';
import { headerAt } from './header.ts';
import { HeldArguments } from './held-arguments.ts';
import { Incoming } from './incoming.ts';
import { splitWords } from './inline.ts';
import { keysAhead } from './keys-ahead.ts';
import { LARGE_VALUE, setLarge, takesLarge, withLarge } from './large-arguments.ts';
import { textAt, wordAt } from './words.ts';
import type { Latin1Buffer } from './words.ts';

/** A request that breaks the protocol: the connection is answered `-ERR <message>` and closed. */
export interface ProtocolError {
  readonly protocolError: string;
}

const INLINE_MAX = 65_536;
const ARGUMENTS_MAX = 1_048_576;
const UNAUTHENTICATED_ARGUMENTS_MAX = 10;
/** Bytes of an argument, or of a line of words. */
const UNAUTHENTICATED_BULK_MAX = 16_384;
/** Arguments longer than this are gathered in a buffer of their own instead of being looked at again and again. */
const LARGE = 32_768;

/** Requests of up to this many arguments are read in one go when all of them has come. */
const QUICK_ARGUMENTS_MAX = 64;
const NONE: readonly string[] = [];

const CR = 13;
const LF = 10;
const ASTERISK = 42;
const DOLLAR = 36;
const ZERO = 48;

/** Turns bytes into requests. */
export class RequestParser extends Incoming {
  /** Until the client has authenticated only small requests are taken. */
  unauthenticated = false;
  bulkBytesMax: number;
  /** Arguments still to come of the request being read; 0 between requests. */
  private missing = 0;
  /** Length of the argument being read, or -1 when its header is still to come. */
  private bulkLength = -1;
  private args: string[] = [];
  private readonly held = new HeldArguments();
  private large: Gathering | GatheredString | undefined;
  /** Bytes of the values in chunks that the request being read has so far. */
  private largeBytes = 0;
  /** Whether all ends of lines and numbers of the request being read are as they are written, and not merely as they may be. */
  private exact = false;

  constructor(bulkBytesMax: number) {
    super();
    this.bulkBytesMax = bulkBytesMax;
  }

  /** Bytes kept of an incomplete request. */
  get heldBytes(): number {
    return this.left + (this.large?.size ?? 0) + this.largeBytes + this.held.bytes;
  }

  /** Whether a large argument is on its way in. */
  get isGathering(): boolean {
    return this.large !== undefined;
  }

  /** Copies what is left, since the shared buffer is about to be reused. */
  override rest(): void {
    forgetAsItCame();
    // What would complete it stays, since `next` looks only where there are bytes.
    if (this.large !== undefined && this.left < this.large.missing) this.gather();
    this.held.count(this.missing === 0 ? NONE : this.args);
    super.rest();
  }

  /** Hashes of the keys of the next requests that are all there, as many as there is room for. Returns how many. */
  keysAhead(hashes: Int32Array): number {
    const { buffer } = this;
    return buffer === undefined || this.missing > 0 ? 0 : keysAhead(buffer, this.at, this.end, hashes);
  }

  /** The next whole request (never empty), undefined when more bytes are needed, or what is wrong with it. */
  next(): string[] | ProtocolError | undefined {
    const { buffer } = this;
    if (buffer === undefined) return undefined;
    for (;;) {
      if (this.missing === 0) {
        if (this.at >= this.end) return undefined;
        if (buffer[this.at] !== ASTERISK) {
          const request = this.inline(buffer);
          if (request === undefined || !Array.isArray(request) || request.length > 0) return request;
          continue;
        }
        const request = this.quick(buffer);
        if (request !== undefined) return request;
        const count = this.header(buffer, 'too big mbulk count string');
        if (count === undefined || typeof count === 'object') return count;
        if (Number.isNaN(count) || count > ARGUMENTS_MAX) return { protocolError: 'invalid multibulk length' };
        if (this.unauthenticated && count > UNAUTHENTICATED_ARGUMENTS_MAX) {
          return { protocolError: 'unauthenticated multibulk length' };
        }
        if (count <= 0) continue;
        this.missing = count;
        this.args = [];
      }
      const problem = this.arguments(buffer);
      if (problem !== undefined) return problem;
      if (this.missing > 0) return undefined;
      if (this.largeBytes > 0) {
        this.largeBytes = 0;
        withLarge.latest = this.args;
      }
      return this.args;
    }
  }

  /**
   * Reads a request that is all there and has nothing unusual about it, which is nearly every one; undefined leaves it
   * to the careful way, with nothing taken.
   */
  private quick(buffer: Latin1Buffer): string[] | undefined {
    const { end } = this;
    if (this.unauthenticated) return undefined;
    let at = this.at + 1;
    let count = 0;
    for (; at < end && buffer[at] !== CR; at++) {
      count = count * 10 + digit(buffer[at]!);
      if (count > QUICK_ARGUMENTS_MAX) return undefined;
    }
    if (count === 0) return undefined;
    const start = this.at;
    this.exact = buffer[at + 1] === LF && buffer[start + 1] !== ZERO;
    this.at = at + 2;
    const request = this.quickArguments(buffer, count);
    if (request === undefined) this.at = start;
    else if (this.exact) cameAs(request, buffer, start, this.at);
    return request;
  }

  /** Short requests are written out: an array that has its elements from the start is smaller and sooner made. */
  private quickArguments(buffer: Latin1Buffer, count: number): string[] | undefined {
    const name = this.quickArgument(buffer, true);
    if (name === undefined) return undefined;
    if (count === 1) return [name];
    const key = this.quickArgument(buffer, true);
    if (key === undefined) return undefined;
    if (count === 2) return [name, key];
    // Fields of hashes and of streams tend to come again, as names do.
    const third = this.quickArgument(buffer, count === 4);
    if (third === undefined) return undefined;
    if (count === 3) return [name, key, third];
    const fourth = this.quickArgument(buffer, count === 5);
    if (fourth === undefined) return undefined;
    if (count === 4) return [name, key, third, fourth];
    const fifth = this.quickArgument(buffer, false);
    if (fifth === undefined) return undefined;
    const args = [name, key, third, fourth, fifth];
    while (args.length < count) {
      const arg = this.quickArgument(buffer, false);
      if (arg === undefined) return undefined;
      args.push(arg);
    }
    return args;
  }

  private quickArgument(buffer: Latin1Buffer, isWord: boolean): string | undefined {
    const { end } = this;
    let { at } = this;
    // The shortest argument takes six bytes; bytes behind the end are whatever a read before left there.
    if (at + 6 > end || buffer[at] !== DOLLAR || buffer[at + 1] === CR) return undefined;
    let length = 0;
    const first = at + 1;
    for (at++; at < end && buffer[at] !== CR; at++) {
      length = length * 10 + digit(buffer[at]!);
      if (length >= LARGE) return undefined;
    }
    at += 2;
    const stop = at + length;
    if (stop + 2 > end) return undefined;
    this.at = stop + 2;
    const led = buffer[first] === ZERO && at - first > 3;
    if (led || buffer[at - 1] !== LF || buffer[stop] !== CR || buffer[stop + 1] !== LF) this.exact = false;
    return isWord ? wordAt(buffer, at, length) : textAt(buffer, at, length);
  }

  /** Reads arguments as far as the bytes go. */
  private arguments(buffer: Latin1Buffer): ProtocolError | undefined {
    while (this.missing > 0) {
      if (this.bulkLength < 0) {
        if (this.at >= this.end) return undefined;
        const first = buffer[this.at]!;
        if (first !== DOLLAR) return { protocolError: `expected '$', got '${String.fromCharCode(first)}'` };
        const length = this.header(buffer, 'too big bulk count string');
        if (length === undefined || typeof length === 'object') return length;
        if (Number.isNaN(length) || length < 0 || length > this.bulkBytesMax) {
          return { protocolError: 'invalid bulk length' };
        }
        if (this.unauthenticated && length > UNAUTHENTICATED_BULK_MAX) {
          return { protocolError: 'unauthenticated bulk length' };
        }
        this.bulkLength = length;
      }
      if (!this.argument(buffer, this.bulkLength)) return undefined;
      this.bulkLength = -1;
      this.missing--;
    }
    return undefined;
  }

  /** Reads one argument and the line end after it; false when it is not all there. */
  private argument(buffer: Latin1Buffer, length: number): boolean {
    if (this.large === undefined) {
      const inChunks = length >= LARGE_VALUE && takesLarge(this.args[0] ?? '', this.args.length);
      if (!inChunks && this.at + length + 2 <= this.end) {
        this.args.push(buffer.latin1Slice(this.at, this.at + length));
        this.at += length + 2;
        return true;
      }
      if (length < LARGE) return false;
      this.large = inChunks ? new GatheredString(length) : new Gathering(length + 2);
    }
    const { large } = this;
    this.gather();
    if (large.missing > 0) return false;
    if (large instanceof GatheredString) {
      if (this.at + 2 > this.end) return false;
      this.at += 2;
      setLarge(this.args, this.args.length, large.whole());
      this.largeBytes += length;
      moved(length);
      this.args.push('');
    } else this.args.push(large.text(length));
    this.large = undefined;
    return true;
  }

  /** Takes what there is of a large argument to where it is gathered. */
  private gather(): void {
    const { large, buffer } = this;
    if (large === undefined || buffer === undefined) return;
    const taken = Math.min(large.missing, this.end - this.at);
    large.add(buffer, this.at, this.at + taken);
    this.at += taken;
  }

  /** Reads `*<number>` or `$<number>` and its line end; NaN when it is no number, undefined when the line is not all there. */
  private header(buffer: Latin1Buffer, tooBig: string): number | ProtocolError | undefined {
    const value = headerAt(buffer, this.at, this.end);
    if (value !== undefined) {
      // A line of a few digits: a call into Node would take longer.
      while (buffer[this.at] !== CR) this.at++;
      this.at += 2;
    } else if (this.end - this.at > INLINE_MAX) return { protocolError: tooBig };
    return value;
  }

  /** Reads a line of words, as typed into telnet. */
  private inline(buffer: Latin1Buffer): string[] | ProtocolError | undefined {
    const found = buffer.indexOf(LF, this.at);
    const end = found < 0 || found >= this.end ? -1 : found;
    const length = (end < 0 ? this.end : end) - this.at;
    // Redis lets a longer line pass that came in one piece; strangers do not get that.
    if (length > UNAUTHENTICATED_BULK_MAX && (this.unauthenticated || (end < 0 && length > INLINE_MAX)))
      return { protocolError: 'too big inline request' };
    if (end < 0) return undefined;
    const stop = end > this.at && buffer[end - 1] === CR ? end - 1 : end;
    const line = buffer.latin1Slice(this.at, stop);
    this.at = end + 1;
    return splitWords(line) ?? { protocolError: 'unbalanced quotes in request' };
  }
}

/** The value of a digit; of anything else a number too large for any header. */
function digit(code: number): number {
  return code >= 48 && code <= 57 ? code - 48 : 1_000_000;
}
