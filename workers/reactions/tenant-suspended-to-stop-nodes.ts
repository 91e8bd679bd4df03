import { NodeId } from '#domains/kernel/ids.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import type { TenantEvent } from '#domains/tenant/events.ts';
import { step } from '#infra/commands/execute.ts';
import { newId } from '#infra/crypto/ids.ts';
import { nodesOfTenant } from '#projections/nodes/queries.ts';

import { defineReaction } from './reaction.ts';
import { cascade, caughtUp, isCascadeTransient, type CascadeParts } from './tenant-command.ts';

const name = 'tenant-suspended-to-stop-nodes';

/** The nodes of a suspended tenant stop serving, and know that it is for this reason. */
export function tenantSuspendedToStopNodes(parts: CascadeParts) {
  return defineReaction<Extract<TenantEvent, { type: 'TenantSuspended' }>>({
    name,
    categories: ['tenant'],
    types: ['TenantSuspended'],
    isTransient: isCascadeTransient,
    react: async (event) => {
      await caughtUp(parts.pool, ['nodes'], event);
      for (const { id, state } of await nodesOfTenant(parts.pool, event.data.tenantId)) {
        if (state !== 'running' && state !== 'provisioning') continue;
        const nodeId = NodeId.parse(id);
        const operationId = newId('op');
        const data = { nodeId, operationId, reason: 'tenant_suspended' } as const;
        const steps = [step({ stream: nodeStream(nodeId), decider: nodeDecider, command: { type: 'StopNode', data } })];
        await cascade(parts, event, name, { action: 'StopNode', kind: 'node', id, result: { operationId }, steps });
      }
    },
  });
}
