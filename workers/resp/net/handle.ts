import { Socket } from 'node:net';

/** What Node's sockets have but its types leave out. */
interface BareSocket {
  _handle: unknown;
}

/** Takes the operating system's socket out of one of Node's, which is left without; undefined when it is closed. */
export function takeHandle(socket: Socket): unknown {
  const bare = socket as unknown as BareSocket;
  const handle = bare._handle;
  bare._handle = null;
  return handle ?? undefined;
}

/** One of Node's sockets around a bare one, as which it can be sent to another process; nothing is read from it. */
export function wrapHandle(handle: unknown): Socket {
  return new Socket({ handle, manualStart: true } as ConstructorParameters<typeof Socket>[0]);
}
