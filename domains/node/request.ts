import type { z } from 'zod';
import type { Decision } from '../kernel/decider.ts';
import { reject } from '../kernel/rejection.ts';
import type { RequestNode } from './commands.ts';
import type { NodeEvent } from './events.ts';
import type { NodeSettings } from './settings.ts';

/** A new node and its first placement, or why it can't be had. */
export function requestNode(data: z.infer<typeof RequestNode>, state: { status: string }): Decision<NodeEvent> {
  const { nodeId, settings, placement } = data;
  if (state.status !== 'absent') return reject('already_exists', `Node ${nodeId} exists already.`);
  const missing = notBuiltYet(settings);
  if (missing !== null) return reject('not_available_yet', `${missing} is not available yet in this version.`);
  if (placement === null) return reject('no_node_manager', 'No node manager is registered; try again in a moment.');
  if (settings.memoryLimitMb > placement.availableMb) {
    const left = Math.max(placement.availableMb, 0);
    return reject(
      'insufficient_capacity',
      `The manager has ${left} MiB left to promise; ask for less or add capacity.`,
    );
  }
  const { tenantId, passwordSha256, operationId, restoreFrom, plan } = data;
  return [
    { type: 'NodeRequested', data: { nodeId, tenantId, ...settings, passwordSha256, operationId, restoreFrom, plan } },
    { type: 'NodePlaced', data: { nodeId, managerId: placement.managerId, epoch: 1 } },
  ];
}

/** What a plan may promise one day but this version can't keep: refused, never accepted and ignored. */
function notBuiltYet({ durability, replicas, engine }: NodeSettings): string | null {
  if (durability === 'quorum') return 'Durability "quorum"';
  if (replicas > 0) return 'Replication ("replicas" above 0)';
  if (engine === 'dedicated') return 'Engine "dedicated"';
  return null;
}
