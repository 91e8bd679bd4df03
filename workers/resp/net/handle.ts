import type { Socket } from 'node:net';

import type { BareHandle } from '../engine-api.ts';

/** What Node's sockets have but its types leave out. */
interface BareSocket {
  _handle: BareHandle | null;
}

/** Takes the operating system's socket out of one of Node's, which is left without; undefined when it is closed. */
export function takeHandle(socket: Socket): BareHandle | undefined {
  const bare = socket as unknown as BareSocket;
  const handle = bare._handle;
  bare._handle = null;
  return handle ?? undefined;
}
