import type { AuthResult } from '#workers/resp/engine-api.ts';
import { Node } from '#workers/resp/keyspace/node.ts';

import type { HostedNodes } from '../hosting/hosted-nodes.ts';
import type { Ticket } from './calls.ts';

export const stopped = 'ERR node is stopped; start it first';
export const opening = { refusal: 'LOADING MiniRedis is opening this node; try again in a moment' } as const;

/** Lets the holder of a ticket into a node of this process. */
export function enter(hosted: HostedNodes, ticket: Ticket): AuthResult {
  const { nodeId, privileged, aclUser } = ticket;
  const node = hosted.find(nodeId);
  if (privileged) {
    if (node?.closed === false) return { node, privileged };
    if (!ticket.stopped) return opening;
    // Where the platform's connections can only verify backups.
    const closed = new Node({ id: nodeId });
    closed.unavailable = stopped;
    return { node: closed, privileged };
  }
  if (node === undefined || node.closed) return opening;
  return aclUser === null ? { node } : { node, aclUser };
}
