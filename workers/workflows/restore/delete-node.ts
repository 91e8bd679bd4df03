import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { reservationDecider } from '#domains/reservation/decider.ts';
import { reservationStream } from '#domains/reservation/events.ts';
import type { RestoreEvent } from '#domains/restore/events.ts';
import { loadState } from '#infra/commands/execute.ts';
import { step } from '#infra/commands/step.ts';
import { newId } from '#infra/crypto/ids.ts';
import { nodeNameHash } from '#infra/crypto/name-hash.ts';

import type { WorkflowParts } from '../parts.ts';
import { report } from '../report.ts';

type Request = RecordedEvent<Extract<RestoreEvent, { type: 'RestoreRequested' }>>;

/** Deletes the node of a restore as its owner would: its name is free again in the same append. False when it was gone already. */
export async function deleteNode(
  { log, masterKey }: Pick<WorkflowParts, 'log' | 'masterKey'>,
  request: Request,
): Promise<boolean> {
  const { nodeId, tenantId, operationId: restoreId } = request.data;
  const { state } = await loadState(log, nodeStream(nodeId), nodeDecider);
  if (state.settings === null || state.status === 'deleting' || state.status === 'deleted')
    return state.status === 'deleting';
  const nameHash = nodeNameHash(masterKey, tenantId, state.settings.name);
  const operationId = newId('op');
  await report(log, {
    by: 'workflow/restore',
    operationId: restoreId,
    request,
    tenantId,
    target: { kind: 'node', id: nodeId },
    action: 'DeleteNode',
    result: { operationId },
    steps: [
      step({
        stream: nodeStream(nodeId),
        decider: nodeDecider,
        command: { type: 'DeleteNode', data: { nodeId, operationId } },
      }),
      step({
        stream: reservationStream('node', nameHash),
        decider: reservationDecider,
        command: { type: 'ReleaseName', data: { holder: nodeId } },
      }),
    ],
  });
  return true;
}
