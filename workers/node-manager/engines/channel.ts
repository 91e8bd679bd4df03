import type { BareHandle } from '#workers/resp/engine-api.ts';

import { sendHandles, type Peer } from './handles.ts';

/** What one side may ask of the other: the data it gives and the data it gets, both plain. */
export type CallTable = Readonly<Record<string, { readonly asks: unknown; readonly answers: unknown }>>;

/** How one side answers. A socket's handle comes with calls that hand one over. */
export type Handlers<Calls extends CallTable> = {
  readonly [Name in keyof Calls]: (
    asked: Calls[Name]['asks'],
    handle: BareHandle | undefined,
  ) => Calls[Name]['answers'] | Promise<Calls[Name]['answers']>;
};

/** Calls to the other side of a process's IPC channel. */
export interface Channel<Calls extends CallTable> {
  /** Rejects with a RemoteError when the other side does, and with what `end` was given when it is gone. */
  call<Name extends keyof Calls & string>(name: Name, asks: Calls[Name]['asks']): Promise<Calls[Name]['answers']>;
  /** Tells without being answered. A handle goes over with it, or is closed when it can't. */
  tell<Name extends keyof Calls & string>(name: Name, asks: Calls[Name]['asks'], handle?: BareHandle): void;
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
  const sendHandle = sendHandles(peer);
  let gathered: Frame[] = [];
  let lastId = 0;
  let ended: Error | undefined;

  function flush(): void {
    const frames = gathered;
    gathered = [];
    // That the other side is gone is known from elsewhere.
    if (frames.length > 0 && peer.connected) peer.send?.(frames, undefined, {}, () => {});
  }

  function say(frame: Frame): void {
    if (gathered.push(frame) === 1) queueMicrotask(flush);
  }

  async function handle({ id, name, asks }: Extract<Frame, { kind: 'call' }>, carried?: BareHandle): Promise<void> {
    try {
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
      if (handler === undefined) throw new Error(`Nobody here answers "${name}".`);
      const answer = await handler(asks, carried);
      if (id !== 0) say({ kind: 'answer', id, answer });
    } catch (error) {
      const { name: kind, message } = error instanceof Error ? error : new Error(String(error));
      const code = (error as { code?: unknown } | null)?.code;
      const failure = { name: kind, message, code: typeof code === 'string' ? code : undefined };
      if (id !== 0) say({ kind: 'failure', id, failure });
      else throw error;
    }
  }

  function take(frame: Frame, carried: BareHandle | undefined): void {
    if (frame.kind === 'call') {
      void handle(frame, carried);
      return;
    }
    const waiter = waiting.get(frame.id);
    waiting.delete(frame.id);
    if (frame.kind === 'answer') waiter?.resolve(frame.answer);
    else waiter?.reject(new RemoteError(frame.failure));
  }

  peer.on('message', (message, carried) => {
    // A supervisor's own messages go over the same channel.
    if (Array.isArray(message)) for (const frame of message as Frame[]) take(frame, carried as BareHandle | undefined);
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
    tell(name, asks, carried) {
      const frame: Frame = { kind: 'call', id: 0, name, asks };
      if (carried === undefined) {
        say(frame);
        return;
      }
      flush();
      sendHandle([frame], carried);
    },
    end(reason) {
      ended ??= reason;
      for (const { reject } of waiting.values()) reject(ended);
      waiting.clear();
    },
  };
}
