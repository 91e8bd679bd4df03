import type { Consumer } from '#infra/event-log/consumers/consumer.ts';

import type { CascadeParts } from './tenant-command.ts';
import { tenantDeletedToDeleteNodesAndKeys } from './tenant-deleted-to-delete-nodes-and-keys.ts';
import { tenantResumedToStartNodes } from './tenant-resumed-to-start-nodes.ts';
import { tenantSuspendedToStopNodes } from './tenant-suspended-to-stop-nodes.ts';

/** What follows for a tenant's nodes and keys when the tenant itself changes. */
export function tenantReactions(parts: CascadeParts): Consumer[] {
  return [
    tenantSuspendedToStopNodes(parts),
    tenantResumedToStartNodes(parts),
    tenantDeletedToDeleteNodesAndKeys(parts),
  ];
}
