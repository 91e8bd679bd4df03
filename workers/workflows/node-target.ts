import type { NodeId } from '#domains/kernel/ids.ts';
import { nodeDecider, type NodeState } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { loadState } from '#infra/commands/execute.ts';
import type { PlatformTarget } from '#infra/redis/platform-client.ts';

import { permanent } from './failure.ts';
import type { WorkflowParts } from './parts.ts';

/**
 * Where to reach a node that is in one of the states. Rejects for good when it is in another one, which no retry changes; when only
 * its manager is not known yet, another attempt may find it.
 */
export async function reachableNode(
  { log, locate }: Pick<WorkflowParts, 'log' | 'locate'>,
  nodeId: NodeId,
  states: ReadonlyArray<NodeState['status']>,
): Promise<PlatformTarget & Pick<NodeState, 'status'>> {
  const { state } = await loadState(log, nodeStream(nodeId), nodeDecider);
  if (!states.includes(state.status)) throw permanent(notReachable(state));
  const target = await locate(nodeId);
  if (target === null) throw new Error('No node manager holds the node yet.');
  return { ...target, status: state.status };
}

function notReachable({ status, failure }: NodeState): string {
  if (status === 'failed') return `The node has failed: ${failure ?? 'for an unknown reason.'}`;
  if (status === 'absent' || status === 'deleting' || status === 'deleted') return 'The node was deleted.';
  return `The node is ${status}; it must be running.`;
}
