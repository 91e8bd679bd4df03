import { memoryOf } from './memory.ts';
import type { Server } from './server.ts';

/** What the objects of a node and its first database take while nothing is in them. */
export const NODE_BYTES = 1024;

/** Bytes that a node uses beside its keys: its connections with what waits in them, and its scripts. */
export function overheadOf({ clients, scripting }: Server): number {
  let bytes = 0;
  for (const client of clients.values()) if (client.transport !== undefined) bytes += memoryOf(client).total;
  if (scripting === undefined) return bytes;
  const { evalStateBytes, functionStateBytes, scriptBytes, functionBytes } = scripting.sizes;
  return bytes + evalStateBytes + functionStateBytes + scriptBytes + functionBytes;
}
