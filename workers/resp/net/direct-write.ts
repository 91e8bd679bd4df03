import type { Socket } from 'node:net';

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
  /** The write that the peer has not taken yet, and its bytes. */
  private unfinished: WriteRequest | undefined;
  private unfinishedBytes = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    this.handle = (socket as unknown as { _handle?: Partial<TcpHandle> })._handle;
  }

  /** Bytes that the peer has not taken yet, at most. */
  get waiting(): number {
    return this.socket.writableLength + this.unfinishedBytes;
  }

  /** Writes a byte string, now or as soon as the peer takes it. */
  write(text: string): void {
    const { socket, handle } = this;
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
