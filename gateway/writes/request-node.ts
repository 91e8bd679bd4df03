import type { BackupId, NodeId, OperationId, TenantId } from '#domains/kernel/ids.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import type { NodeSettings } from '#domains/node/settings.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import { tenantStream } from '#domains/tenant/events.ts';
import { step, type Step } from '#infra/commands/step.ts';
import { sha256Hex } from '#infra/crypto/secrets.ts';

import type { GatewayDependencies } from '../dependencies.ts';
import { nodeName, reserve } from '../names.ts';
import type { Plan } from './handle-write.ts';

interface NewNode {
  readonly tenantId: TenantId;
  readonly nodeId: NodeId;
  readonly operationId: OperationId;
  readonly password: string;
  readonly settings: NodeSettings;
  readonly restoreFrom: BackupId | null;
  /** The tenant's; it does not change for as long as the tenant lives. */
  readonly plan: string;
  /** What `If-Match` asks of the tenant. */
  readonly tenantVersion: number | null;
}

/** A new node: its tenant is active, its name is free, and a manager has room for it; all or nothing. */
export async function requestNode(
  { masterKey, placements }: Pick<GatewayDependencies, 'masterKey' | 'placements'>,
  { tenantId, nodeId, operationId, password, settings, restoreFrom, plan, tenantVersion }: NewNode,
): Promise<Plan> {
  const { placement, settle } = await placements.place(nodeId, settings.memoryLimitMb);
  const passwordSha256 = sha256Hex(password);
  return {
    settle,
    steps: [
      requireActiveTenant(tenantId, tenantVersion ?? undefined),
      reserve(nodeName(masterKey, tenantId, settings.name), nodeId),
      step({
        stream: nodeStream(nodeId),
        decider: nodeDecider,
        command: {
          type: 'RequestNode',
          data: { nodeId, tenantId, settings, passwordSha256, operationId, restoreFrom, plan, placement },
        },
      }),
    ],
  };
}

/** Holds only while the tenant is active, and of the version that `If-Match` asks for. */
export function requireActiveTenant(tenantId: TenantId, expectedVersion?: number): Step {
  return step({
    stream: tenantStream(tenantId),
    decider: tenantDecider,
    command: { type: 'RequireActiveTenant', data: { tenantId } },
    expectedVersion,
  });
}
