import type { BareHandle } from '#workers/resp/engine-api.ts';

/** `process` in a forked process, and the ChildProcess in the one that forked it. */
export interface Peer {
  readonly connected: boolean;
  send?(message: unknown, handle: unknown, options: object, sent: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown, handle?: unknown) => void): unknown;
}

/** What Node's IPC channels have but its types leave out. */
interface Internals {
  prependListener(event: 'internalMessage', listener: (message: { readonly cmd?: string }) => void): unknown;
  /** While the receipt of a handle is out, what has to wait for it: everything that is sent meanwhile. */
  _handleQueue: unknown[] | null;
}

/**
 * Prepares an IPC channel for sending many handles, and returns what sends one. Node waits for the receipt of each before it
 * sends the next, so that connections would come over one by one, each after a round trip between two busy event loops. It does so
 * to send a handle again that got lost, for which it keeps a copy; of bare handles it keeps none, and what gets lost is closed by
 * the kernel, which is what becomes of a connection that can't be served.
 */
export function sendHandles(peer: Peer): (message: unknown, handle: BareHandle) => void {
  const internals = peer as unknown as Internals;
  internals.prependListener('internalMessage', ({ cmd }) => {
    // Node takes a receipt as the end of its waiting, and insists on having waited.
    if (cmd === 'NODE_HANDLE_ACK' || cmd === 'NODE_HANDLE_NACK') internals._handleQueue ??= [];
  });
  return (message, handle) => {
    if (!peer.connected) {
      handle.close();
      return;
    }
    // The message has a descriptor of its own; ours is of no more use once it is out, or can't be sent.
    peer.send?.(message, handle, {}, () => handle.close());
    internals._handleQueue = null;
  };
}
