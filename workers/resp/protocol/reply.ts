import { CHUNK_BYTES, giveBack, takeChunk, textOf, type Chunk, type Piece } from './chunk.ts';
import { formatDouble } from './numbers.ts';

/** Longer pieces are kept apart, so that they are neither copied into one string nor exceed its greatest length. */
const PIECE_MAX = 16_384;
/** What the header and the end of a bulk string take at most. */
const FRAME_MAX = 16;

/**
 * The replies of one connection, as byte strings that wait to be written. Concatenation of strings and one write of
 * them is the fastest way Node has to answer many small requests.
 */
export class Reply {
  out = '';
  /** What precedes `out` when there is much. */
  pieces: Piece[] = [];
  /** Bytes in `pieces`. */
  piecesLength = 0;
  /** Errors replied so far, and the line of the last. */
  errors = 0;
  lastError = '';
  /** How many of them were counted where they came from. */
  counted = 0;
  /** Whether the client asked for RESP3 by HELLO. */
  resp3 = false;
  /** Set while nobody wants to know what is added: what waited before that. */
  private kept: Piece[] | undefined;
  /** Whether what is added goes into chunks at once, since it will be long. */
  private long = false;
  /** The last of the pieces, while there is room in it. */
  private chunk: Chunk | undefined;

  /** Bytes that wait. */
  get length(): number {
    return this.piecesLength + this.out.length;
  }

  ok(): void {
    this.out += '+OK\r\n';
  }

  simple(text: string): void {
    this.out += `+${text}\r\n`;
  }

  /** An error line, without the leading '-'. Line breaks in it would break the protocol and become spaces. */
  error(line: string): void {
    this.errors++;
    this.lastError = line;
    this.out += `-${/[\r\n]/.test(line) ? line.replace(/[\r\n]+$/, '').replace(/[\r\n]/g, ' ') : line}\r\n`;
  }

  integer(value: number | bigint): void {
    this.out += `:${value}\r\n`;
  }

  bulk(text: string): void {
    if (this.long && text.length <= PIECE_MAX) this.encode(text);
    else if (text.length > PIECE_MAX) {
      this.out += `$${text.length}\r\n`;
      this.piece(text);
      this.out = '\r\n';
    } else this.out += `$${text.length}\r\n${text}\r\n`;
  }

  /** A bulk string that is in pieces; chunks are given back once they have left. */
  bulkOf(pieces: readonly Piece[]): void {
    let length = 0;
    for (const piece of pieces) length += piece.length;
    this.out += `$${length}\r\n`;
    for (const piece of pieces) {
      if (typeof piece === 'string' && piece.length <= PIECE_MAX) this.out += piece;
      else this.piece(piece);
    }
    this.out += '\r\n';
  }

  private piece(piece: Piece): void {
    if (this.out !== '') this.pieces.push(this.out);
    this.pieces.push(piece);
    this.piecesLength += this.out.length + piece.length;
    this.out = '';
    this.chunk = undefined;
  }

  /** What is added until `endLong` will be long, and comes bit by bit. */
  beginLong(): void {
    this.long = true;
  }

  endLong(): void {
    this.long = false;
    this.chunk = undefined;
  }

  /** Adds all that waits in another reply. */
  append(other: Reply): void {
    if (other.pieces.length === 0) this.out += other.takeText();
    else for (const piece of other.take()) this.piece(piece);
  }

  private encode(text: string): void {
    if (this.out !== '') this.encodeWaiting();
    const chunk = this.roomFor(text.length + FRAME_MAX);
    const before = chunk.length;
    chunk.add('$');
    chunk.add(String(text.length));
    chunk.add('\r\n');
    chunk.add(text);
    chunk.add('\r\n');
    this.piecesLength += chunk.length - before;
  }

  /** Puts what waits as a string into chunks. */
  private encodeWaiting(): void {
    const { out } = this;
    this.out = '';
    for (let at = 0; at < out.length; at += CHUNK_BYTES) {
      const part = out.length <= CHUNK_BYTES ? out : out.slice(at, at + CHUNK_BYTES);
      this.roomFor(part.length).add(part);
    }
    this.piecesLength += out.length;
  }

  private roomFor(bytes: number): Chunk {
    if (this.chunk !== undefined && this.chunk.room >= bytes) return this.chunk;
    const chunk = takeChunk();
    this.pieces.push(chunk);
    this.chunk = chunk;
    return chunk;
  }

  /** A bulk string, or null. */
  bulkOrNull(text: string | undefined): void {
    if (text === undefined) this.null();
    else this.bulk(text);
  }

  null(): void {
    this.out += this.resp3 ? '_\r\n' : '$-1\r\n';
  }

  nullArray(): void {
    this.out += this.resp3 ? '_\r\n' : '*-1\r\n';
  }

  array(length: number): void {
    this.out += `*${length}\r\n`;
  }

  /** A map of `size` pairs; in RESP2 an array of twice as many. */
  map(size: number): void {
    this.out += this.resp3 ? `%${size}\r\n` : `*${size * 2}\r\n`;
  }

  set(size: number): void {
    this.out += this.resp3 ? `~${size}\r\n` : `*${size}\r\n`;
  }

  push(length: number): void {
    this.out += this.resp3 ? `>${length}\r\n` : `*${length}\r\n`;
  }

  double(value: number): void {
    const text = formatDouble(value);
    if (this.resp3) this.out += `,${text}\r\n`;
    else this.out += `$${text.length}\r\n${text}\r\n`;
  }

  boolean(value: boolean): void {
    if (this.resp3) this.out += value ? '#t\r\n' : '#f\r\n';
    else this.out += value ? ':1\r\n' : ':0\r\n';
  }

  /** Text for people, marked as such in RESP3. */
  verbatim(text: string): void {
    if (this.resp3) this.out += `=${text.length + 4}\r\ntxt:${text}\r\n`;
    else this.bulk(text);
  }

  /** An integer beyond 64 bits, in decimal. */
  bigNumber(digits: string): void {
    if (this.resp3) this.out += `(${digits}\r\n`;
    else this.bulk(digits);
  }

  /** `size` pairs about the reply that follows; there is nothing like it in RESP2. */
  attribute(size: number): void {
    this.out += `|${size}\r\n`;
  }

  bulks(texts: readonly string[]): void {
    this.array(texts.length);
    for (const text of texts) this.bulk(text);
  }

  /** Puts what waits into chunks, when it is long. */
  cut(): void {
    if (this.kept !== undefined) this.forget();
    if (this.out.length >= PIECE_MAX) this.encodeWaiting();
  }

  /** Takes all that waits. */
  take(): Piece[] {
    this.chunk = undefined;
    if (this.kept !== undefined) {
      const { kept } = this;
      this.kept = [];
      this.forget();
      return kept;
    }
    const { out, pieces } = this;
    this.out = '';
    if (pieces.length === 0) return out === '' ? [] : [out];
    this.pieces = [];
    this.piecesLength = 0;
    if (out !== '') pieces.push(out);
    return pieces;
  }

  /** Takes all that waits, as one text. */
  takeText(): string {
    if (this.pieces.length > 0) return this.take().map(textOf).join('');
    const { out } = this;
    this.out = '';
    return out;
  }

  /** What is added from now on nobody wants (CLIENT REPLY OFF). */
  mute(): void {
    this.kept = this.take();
  }

  /** What is added from now on is wanted again. */
  unmute(): void {
    this.forget();
    const { kept = [] } = this;
    this.kept = undefined;
    for (const piece of kept) {
      this.pieces.push(piece);
      this.piecesLength += piece.length;
    }
  }

  private forget(): void {
    this.out = '';
    this.drop(0);
    this.piecesLength = 0;
  }

  /** Lets go of all pieces but the first. */
  private drop(first: number): void {
    for (const piece of this.pieces.splice(first)) if (typeof piece !== 'string') giveBack(piece);
    this.chunk = undefined;
  }

  /** A mark for `rollback`. */
  mark(): { pieces: number; piecesLength: number; out: string } {
    // What comes after it goes into a chunk of its own, which can be dropped.
    this.chunk = undefined;
    return { pieces: this.pieces.length, piecesLength: this.piecesLength, out: this.out };
  }

  /** Forgets all that was added since the mark (CLIENT REPLY OFF). */
  rollback(mark: { pieces: number; piecesLength: number; out: string }): void {
    this.drop(mark.pieces);
    this.piecesLength = mark.piecesLength;
    this.out = mark.out;
  }
}
