import { NodeId } from '#domains/kernel/ids.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import { tenantStream, type TenantEvent } from '#domains/tenant/events.ts';
import { loadState, step } from '#infra/commands/execute.ts';
import { newId } from '#infra/crypto/ids.ts';
import { nodesOfTenant } from '#projections/nodes/queries.ts';

import { defineReaction } from './reaction.ts';
import { cascade, caughtUp, isCascadeTransient, notYet, type CascadeParts } from './tenant-command.ts';

const name = 'tenant-resumed-to-start-nodes';

/** What stopped because its tenant was suspended starts again; what its owner had stopped stays so. */
export function tenantResumedToStartNodes(parts: CascadeParts) {
  return defineReaction<Extract<TenantEvent, { type: 'TenantResumed' }>>({
    name,
    categories: ['tenant'],
    types: ['TenantResumed'],
    isTransient: isCascadeTransient,
    react: async (event) => {
      const { tenantId } = event.data;
      await caughtUp(parts.pool, ['nodes'], event);
      for (const { id } of await nodesOfTenant(parts.pool, tenantId)) {
        const nodeId = NodeId.parse(id);
        const { state } = await loadState(parts.log, nodeStream(nodeId), nodeDecider);
        if (state.stopReason !== 'tenant_suspended') continue;
        if (state.status === 'stopping') throw notYet(`node ${id} is still stopping`);
        const operationId = newId('op');
        const steps = [
          // Suspended again meanwhile, it must stay stopped.
          step({
            stream: tenantStream(tenantId),
            decider: tenantDecider,
            command: { type: 'RequireActiveTenant', data: { tenantId } },
          }),
          step({
            stream: nodeStream(nodeId),
            decider: nodeDecider,
            command: { type: 'StartNode', data: { nodeId, operationId } },
          }),
        ];
        await cascade(parts, event, name, { action: 'StartNode', kind: 'node', id, result: { operationId }, steps });
      }
    },
  });
}
