import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '#domains/kernel/decider.ts';

/** How many bytes of JSON the data of each sample event takes. */
const eventBytes = 230;

/** A new stream with two events, whose data takes 230 bytes of JSON each. */
export function newNode(): { stream: string; events: readonly [DomainEvent, DomainEvent] } {
  const nodeId = `node_${randomUUID()}`;
  return { stream: `node-${nodeId}`, events: [failed(nodeId, 'out of memory: '), failed(nodeId, 'disk is full: ')] };
}

function failed(nodeId: string, begin: string): DomainEvent {
  const length = eventBytes - JSON.stringify({ nodeId, reason: '' }).length;
  return { type: 'NodeFailed', data: { nodeId, reason: begin.padEnd(length, 'the process of the node ended; ') } };
}
