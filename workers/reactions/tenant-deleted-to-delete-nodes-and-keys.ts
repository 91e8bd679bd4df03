import { apiKeyDecider } from '#domains/identity/decider.ts';
import { apiKeyStream } from '#domains/identity/events.ts';
import { ApiKeyId, NodeId, type OperationId } from '#domains/kernel/ids.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { reservationDecider } from '#domains/reservation/decider.ts';
import { reservationStream } from '#domains/reservation/events.ts';
import type { TenantEvent } from '#domains/tenant/events.ts';
import { step } from '#infra/commands/execute.ts';
import { newId } from '#infra/crypto/ids.ts';
import { nodeNameHash } from '#infra/crypto/name-hash.ts';
import { activeApiKeysOfTenant } from '#projections/api_keys/queries.ts';
import { nodesOfTenant, type NodeRow } from '#projections/nodes/queries.ts';

import { defineReaction } from './reaction.ts';
import { cascade, caughtUp, isCascadeTransient, type CascadeParts } from './tenant-command.ts';

const name = 'tenant-deleted-to-delete-nodes-and-keys';

/** A deleted tenant takes its nodes and its API keys with it. Its backups stay until somebody deletes them. */
export function tenantDeletedToDeleteNodesAndKeys(parts: CascadeParts) {
  return defineReaction<Extract<TenantEvent, { type: 'TenantDeleted' }>>({
    name,
    categories: ['tenant'],
    types: ['TenantDeleted'],
    isTransient: isCascadeTransient,
    react: async (event) => {
      const { tenantId } = event.data;
      await caughtUp(parts.pool, ['nodes', 'api_keys'], event);
      for (const { id } of await activeApiKeysOfTenant(parts.pool, tenantId)) {
        const keyId = ApiKeyId.parse(id);
        const command = { type: 'RevokeApiKey', data: { keyId, reason: 'the tenant was deleted' } } as const;
        const steps = [step({ stream: apiKeyStream(keyId), decider: apiKeyDecider, command })];
        await cascade(parts, event, name, { action: 'RevokeApiKey', kind: 'api-key', id, steps });
      }
      for (const node of await nodesOfTenant(parts.pool, tenantId)) {
        if (node.state === 'deleting') continue;
        const operationId = newId('op');
        const steps = deletion(parts, node, operationId);
        await cascade(parts, event, name, {
          action: 'DeleteNode',
          kind: 'node',
          id: node.id,
          result: { operationId },
          steps,
        });
      }
    },
  });
}

function deletion({ masterKey }: CascadeParts, { id, tenantId, name }: NodeRow, operationId: OperationId) {
  const nodeId = NodeId.parse(id);
  return [
    step({
      stream: nodeStream(nodeId),
      decider: nodeDecider,
      command: { type: 'DeleteNode', data: { nodeId, operationId } },
    }),
    step({
      stream: reservationStream('node', nodeNameHash(masterKey, tenantId, name)),
      decider: reservationDecider,
      command: { type: 'ReleaseName', data: { holder: nodeId } },
    }),
  ];
}
