import type { Server } from './server.ts';

/** What the objects of a node and its first database take while nothing is in them. */
export const NODE_BYTES = 1024;

/** Bytes that a node uses beside its keys: what its clients have sent and not had answered or not yet taken, and its scripts. */
export function overheadOf(server: Server): number {
  let bytes = server.scripting?.usedBytes ?? 0;
  for (const { transport } of server.clients.values()) {
    if (transport === undefined) continue;
    const { input, output } = transport.sizes();
    bytes += input + output;
  }
  return bytes;
}
