import type { Latin1Buffer } from './words.ts';

export const CHUNK_BYTES = 65_536;
/** Shorter texts are written byte by byte: a call into C++ costs more. */
const SHORT_MAX = 48;
/** Chunks that nobody uses are kept up to this many: 16 MiB. */
const SPARE_MAX = 256;
const spare: Chunk[] = [];

/** A part of a reply: a byte string, or bytes outside V8's heap. */
export type Piece = string | Chunk;

/**
 * A part of a long reply, as it goes to the socket. A long reply as strings lives so long that V8 moves it to where only full
 * collections look, which stop all nodes of the process; chunks are used again and again.
 */
export class Chunk {
  private readonly buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES) as Latin1Buffer;
  /** Bytes that are in it. */
  length = 0;

  get room(): number {
    return CHUNK_BYTES - this.length;
  }

  /** Adds a byte string, for which there must be room. */
  add(text: string): void {
    const { buffer } = this;
    let at = this.length;
    if (text.length > SHORT_MAX) at += buffer.latin1Write(text, at);
    else for (let i = 0; i < text.length; i++) buffer[at++] = text.charCodeAt(i);
    this.length = at;
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
  return spare.pop() ?? new Chunk();
}

/** Lets a chunk be used again, which nobody may look at any more. */
export function giveBack(chunk: Chunk): void {
  if (spare.length >= SPARE_MAX) return;
  chunk.length = 0;
  spare.push(chunk);
}

/** A piece as a byte string; a chunk is given back. */
export function textOf(piece: Piece): string {
  if (typeof piece === 'string') return piece;
  const text = piece.text();
  giveBack(piece);
  return text;
}
