import type { Socket } from 'node:net';

/** What one side may ask of the other: the data it gives and the data it gets, both plain. */
export type CallTable = Readonly<Record<string, { readonly asks: unknown; readonly answers: unknown }>>;

/** How one side answers. A socket comes with calls that hand one over. */
export type Handlers<Calls extends CallTable> = {
  readonly [Name in keyof Calls]: (
    asked: Calls[Name]['asks'],
    socket: Socket | undefined,
  ) => Calls[Name]['answers'] | Promise<Calls[Name]['answers']>;
};

/** Calls to the other side of a process's IPC channel. */
export interface Channel<Calls extends CallTable> {
  /** Rejects with a RemoteError when the other side does, and with what `end` was given when it is gone. */
  call<Name extends keyof Calls & string>(name: Name, asks: Calls[Name]['asks']): Promise<Calls[Name]['answers']>;
  /** Tells without being answered. A socket goes over with it, or is closed when it can't. */
  tell<Name extends keyof Calls & string>(name: Name, asks: Calls[Name]['asks'], socket?: Socket): void;
  /** The other side is gone. */
  end(reason: Error): void;
}

/** An error of the other side, which keeps its name and message. */
export class RemoteError extends Error {
  override readonly name: string;
  readonly code: string | undefined;
  constructor({ name, message, code }: Failure) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

interface Failure {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
}

/** `id` 0: nobody waits for the answer. */
type Frame =
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly asks: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure };

/** `process` in a forked process, and the ChildProcess in the one that forked it. */
interface Peer {
  readonly connected: boolean;
  send?(message: unknown, handle: Socket | undefined, options: object, sent: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown, handle?: unknown) => void): unknown;
}

interface Waiter {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Opens one side. What is said in one turn of the event loop goes in one message, so that thousands of nodes are few messages. */
export function openChannel<Ours extends CallTable, Theirs extends CallTable>(
  peer: Peer,
  handlers: Handlers<Ours>,
): Channel<Theirs> {
  const waiting = new Map<number, Waiter>();
  /** Sockets on their way, which nobody else would close. */
  const carried = new Set<Socket>();
  let gathered: Frame[] = [];
  let lastId = 0;
  let ended: Error | undefined;

  function send(frames: readonly Frame[], socket?: Socket): void {
    if (!peer.connected) {
      socket?.destroy();
      return;
    }
    if (socket !== undefined) carried.add(socket);
    peer.send?.(frames, socket, {}, (error) => {
      if (socket === undefined) return;
      carried.delete(socket);
      if (error !== null) socket.destroy();
    });
  }

  function flush(): void {
    const frames = gathered;
    gathered = [];
    if (frames.length > 0) send(frames);
  }

  function say(frame: Frame): void {
    if (gathered.push(frame) === 1) queueMicrotask(flush);
  }

  async function handle({ id, name, asks }: Extract<Frame, { kind: 'call' }>, socket?: Socket): Promise<void> {
    try {
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
      if (handler === undefined) throw new Error(`Nobody here answers "${name}".`);
      const answer = await handler(asks, socket);
      if (id !== 0) say({ kind: 'answer', id, answer });
    } catch (error) {
      const { name: kind, message } = error instanceof Error ? error : new Error(String(error));
      const code = (error as { code?: unknown } | null)?.code;
      const failure = { name: kind, message, code: typeof code === 'string' ? code : undefined };
      if (id !== 0) say({ kind: 'failure', id, failure });
      else throw error;
    }
  }

  function take(frame: Frame, socket: Socket | undefined): void {
    if (frame.kind === 'call') {
      void handle(frame, socket);
      return;
    }
    const waiter = waiting.get(frame.id);
    waiting.delete(frame.id);
    if (frame.kind === 'answer') waiter?.resolve(frame.answer);
    else waiter?.reject(new RemoteError(frame.failure));
  }

  peer.on('message', (message, socket) => {
    // A supervisor's own messages go over the same channel.
    if (Array.isArray(message)) for (const frame of message as Frame[]) take(frame, socket as Socket | undefined);
  });

  return {
    call(name, asks) {
      if (ended !== undefined) return Promise.reject(ended);
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        say({ kind: 'call', id, name, asks });
      });
    },
    tell(name, asks, socket) {
      const frame: Frame = { kind: 'call', id: 0, name, asks };
      if (socket === undefined) {
        say(frame);
        return;
      }
      flush();
      send([frame], socket);
    },
    end(reason) {
      ended ??= reason;
      for (const { reject } of waiting.values()) reject(ended);
      waiting.clear();
      for (const socket of carried) socket.destroy();
      carried.clear();
    },
  };
}
