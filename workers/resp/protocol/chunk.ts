import type { Latin1Buffer } from './words.ts';

export const CHUNK_BYTES = 65_536;
/** Shorter texts are written byte by byte: a call into C++ costs more. */
const SHORT_MAX = 48;
/** Chunks that nobody uses are kept up to this many: 64 MiB. What was not needed for so long goes. */
const SPARE_MAX = 1024;
const SPARE_KEPT_MS = 10_000;
const spare: Chunk[] = [];
/** The fewest chunks that were spare since it was last looked whether there are too many. */
let spareAlways = 0;
let looking: NodeJS.Timeout | undefined;

/** A part of a reply: a byte string, or bytes outside V8's heap. */
export type Piece = string | Chunk;

/**
 * A part of a long reply, as it goes to the socket, or of a long value. As strings these live so long that V8 moves them to where
 * only full collections look, which stop all nodes of the process; chunks are used again and again.
 */
export class Chunk {
  private readonly buffer: Latin1Buffer;
  /** Bytes that are in it. */
  length = 0;
  /** How many have yet to give it back. What more than one holds must not change. */
  holders = 1;

  constructor(size = CHUNK_BYTES) {
    this.buffer = Buffer.allocUnsafeSlow(size) as Latin1Buffer;
  }

  /** How many bytes it has room for when it is empty. */
  get size(): number {
    return this.buffer.length;
  }

  get room(): number {
    return this.buffer.length - this.length;
  }

  /** Adds a byte string, for which there must be room. */
  add(text: string): void {
    const { buffer } = this;
    let at = this.length;
    if (text.length > SHORT_MAX) at += buffer.latin1Write(text, at);
    else for (let i = 0; i < text.length; i++) buffer[at++] = text.charCodeAt(i);
    this.length = at;
  }

  /** Adds the bytes of `from` between two places, for which there must be room. */
  addBytes(from: Buffer, start: number, end: number): void {
    this.length += from.copy(this.buffer, this.length, start, end);
  }

  /** What is in it, good until it is given back. */
  bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** What is in it, as a byte string. */
  text(): string {
    return this.buffer.latin1Slice(0, this.length);
  }
}

/** An empty chunk. */
export function takeChunk(): Chunk {
  const chunk = spare.pop();
  if (spare.length < spareAlways) spareAlways = spare.length;
  return chunk ?? new Chunk();
}

/** Lets a chunk be used again, once all who hold it have given it back. */
export function giveBack(chunk: Chunk): void {
  if (--chunk.holders > 0 || spare.length >= SPARE_MAX || chunk.size !== CHUNK_BYTES) return;
  chunk.length = 0;
  chunk.holders = 1;
  spare.push(chunk);
  looking ??= setInterval(lookForTooMany, SPARE_KEPT_MS).unref();
}

/** Lets go of half of what nobody has needed since the last look. */
function lookForTooMany(): void {
  spare.length -= Math.ceil(spareAlways / 2);
  spareAlways = spare.length;
  if (spareAlways > 0) return;
  clearInterval(looking);
  looking = undefined;
}

/** A piece as a byte string; a chunk is given back. */
export function textOf(piece: Piece): string {
  if (typeof piece === 'string') return piece;
  const text = piece.text();
  giveBack(piece);
  return text;
}
