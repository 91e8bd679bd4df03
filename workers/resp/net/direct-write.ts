import type { Socket } from 'node:net';
import { giveBack, type Chunk, type Piece } from '../protocol/chunk.ts';

/** One write as Node's TCP handles take it; it matters only when the write could not be finished at once. */
interface WriteRequest {
  oncomplete: ((status: number) => void) | undefined;
}

interface StreamInternals {
  readonly WriteWrap: new () => WriteRequest;
  /** What the last operation on any stream left behind, at the places that the constants name. */
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

interface TcpHandle {
  writeLatin1String(request: WriteRequest, text: string): number;
}

/** Texts of up to this length are written from the stack, without being copied. */
const SHORT_MAX = 16_384;

const internals = streamInternals();

/** Whether this Node has the internals that direct writes go through; without them everything goes through the stream. */
export const writesDirectly = internals !== undefined;

function streamInternals(): StreamInternals | undefined {
  try {
    const { binding } = process as unknown as { binding(this: void, name: string): Partial<StreamInternals> };
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding('stream_wrap');
    if (WriteWrap === undefined || streamBaseState === undefined || kLastWriteWasAsync === undefined) return undefined;
    return { WriteWrap, streamBaseState, kLastWriteWasAsync };
  } catch {
    return undefined;
  }
}

/** Bytes of a long reply that are handed to the socket at a time: to copy all of it at once would keep everybody waiting. */
const PORTION_BYTES = 65_536;

/** A request is used up only by a write that was not finished at once, so nearly all writes share one. */
let spare: WriteRequest | undefined = internals === undefined ? undefined : new internals.WriteWrap();

/**
 * Writes short byte strings straight to a socket's handle. A stream's write costs several times what the system call
 * does, in requests, callbacks and ticks that are of use only when the peer does not take the bytes at once; then, and
 * for all that is long, the stream is used. Both end in the same queue of the handle, so the order is kept.
 */
export class DirectWriter {
  private readonly socket: Socket;
  private readonly handle: Partial<TcpHandle> | undefined;
  private readonly inTurn: (portion: () => void) => void;
  /** The write that the peer has not taken yet, and its bytes. */
  private unfinished: WriteRequest | undefined;
  private unfinishedBytes = 0;
  /** What is too long to be handed to the socket at once, from `backlogAt` of its first text on. */
  private backlog: Piece[] = [];
  private backlogAt = 0;
  private backlogBytes = 0;
  private sent: (() => void)[] | undefined;

  /** `inTurn` hands on a further portion once others have had their turn. */
  constructor(socket: Socket, inTurn: (portion: () => void) => void = setImmediate) {
    this.socket = socket;
    this.inTurn = inTurn;
    this.handle = (socket as unknown as { _handle?: Partial<TcpHandle> })._handle;
  }

  /** Bytes that the peer has not taken yet, at most. */
  get waiting(): number {
    return this.socket.writableLength + this.unfinishedBytes + this.backlogBytes;
  }

  /** Writes a byte string, now or as soon as the peer takes it. */
  write(text: string): void {
    const { socket, handle } = this;
    if (text.length > PORTION_BYTES || this.backlogBytes > 0) {
      this.postpone([text], text.length);
      return;
    }
    if (
      spare === undefined ||
      text.length > SHORT_MAX ||
      this.unfinished !== undefined ||
      socket.writableLength > 0 ||
      !socket.writable ||
      handle?.writeLatin1String === undefined
    ) {
      socket.write(text, 'latin1');
      return;
    }
    const request = spare;
    if (handle.writeLatin1String(request, text) !== 0) socket.destroy();
    else if (internals!.streamBaseState[internals!.kLastWriteWasAsync] !== 0) this.finishLater(request, text.length);
  }

  /** Writes pieces of so many bytes together; chunks are given back once they are written. */
  writeAll(pieces: readonly Piece[], bytes: number): void {
    const { socket } = this;
    if (bytes > PORTION_BYTES || this.backlogBytes > 0) {
      this.postpone(pieces, bytes);
      return;
    }
    socket.cork();
    for (const piece of pieces) {
      if (typeof piece === 'string') socket.write(piece, 'latin1');
      else this.writeChunk(piece);
    }
    socket.uncork();
  }

  private writeChunk(chunk: Chunk): void {
    this.socket.write(chunk.bytes(), () => giveBack(chunk));
  }

  /** Calls back once the socket has all that was written until now. */
  whenSent(callback: () => void): void {
    if (this.backlogBytes > 0) (this.sent ??= []).push(callback);
    else this.socket.write('', () => callback());
  }

  private postpone(pieces: readonly Piece[], bytes: number): void {
    const idle = this.backlogBytes === 0;
    for (const piece of pieces) this.backlog.push(piece);
    this.backlogBytes += bytes;
    if (idle) this.handOnPortion();
  }

  /** Hands the next portion to the socket, and goes on once it is taken and others have had their turn. */
  private handOnPortion(): void {
    const { socket } = this;
    if (socket.destroyed) {
      this.backlog = [];
      this.backlogBytes = 0;
      return;
    }
    socket.cork();
    let left = PORTION_BYTES;
    let done = 0;
    while (left > 0 && done < this.backlog.length) {
      const text = this.backlog[done]!;
      if (typeof text !== 'string') {
        // A chunk is about a portion by itself.
        if (left < text.length && left < PORTION_BYTES) break;
        left -= text.length;
        this.backlogBytes -= text.length;
        this.writeChunk(text);
        done++;
        continue;
      }
      const part = text.slice(this.backlogAt, this.backlogAt + left);
      socket.write(part, 'latin1');
      left -= part.length;
      this.backlogAt += part.length;
      this.backlogBytes -= part.length;
      if (this.backlogAt < text.length) break;
      this.backlogAt = 0;
      done++;
    }
    this.backlog.splice(0, done);
    if (this.backlogBytes > 0) socket.write('', () => this.inTurn(() => this.handOnPortion()));
    else {
      const { sent } = this;
      this.sent = undefined;
      for (const callback of sent ?? []) this.whenSent(callback);
    }
    socket.uncork();
  }

  private finishLater(request: WriteRequest, length: number): void {
    spare = new internals!.WriteWrap();
    this.unfinished = request;
    this.unfinishedBytes = length;
    request.oncomplete = (status) => {
      this.unfinished = undefined;
      this.unfinishedBytes = 0;
      if (status !== 0) this.socket.destroy();
    };
  }
}
