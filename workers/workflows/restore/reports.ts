import type { OperationId } from '#domains/kernel/ids.ts';
import type { RestoreCommand } from '#domains/restore/commands.ts';
import { restoreDecider, type RestoreState } from '#domains/restore/decider.ts';
import { restoreStream, type RestoreEvent } from '#domains/restore/events.ts';
import { step } from '#infra/commands/step.ts';
import type { RestoreInput } from '#infra/temporal/workflow-names.ts';

import type { WorkflowParts } from '../parts.ts';
import { readRequest, report, type Requested } from '../report.ts';
import { deleteNode } from './delete-node.ts';

/** What the log says of a restore: what was asked for, and what has become of it. */
export type FoundRestore = Requested<Extract<RestoreEvent, { type: 'RestoreRequested' }>, RestoreState>;

/** Reads the restore's stream. */
export function readRestore({ log }: Pick<WorkflowParts, 'log'>, { operationId }: RestoreInput): Promise<FoundRestore> {
  return readRequest(log, restoreStream(operationId as OperationId), restoreDecider, 'RestoreRequested');
}

/** Sends a command to the restore in the workflow's name. */
export function tellRestore(
  { log }: Pick<WorkflowParts, 'log'>,
  { request }: FoundRestore,
  command: RestoreCommand,
): Promise<void> {
  return report(log, {
    by: 'workflow/restore',
    operationId: request.data.operationId,
    request,
    tenantId: request.data.tenantId,
    target: { kind: 'node', id: request.data.nodeId },
    action: command.type,
    steps: [step({ stream: request.stream, decider: restoreDecider, command })],
  });
}

/** Deletes the node that was made for the data, so that nobody takes it for restored; false when there was none. */
export async function removeNewNode(
  parts: Pick<WorkflowParts, 'log' | 'masterKey'>,
  input: RestoreInput,
): Promise<boolean> {
  const { request, state } = await readRestore(parts, input);
  return request.data.inPlace || state.status === 'completed' ? false : deleteNode(parts, request);
}

/** Says in the log why the restore failed, unless it has ended already. */
export async function failRestore(
  parts: Pick<WorkflowParts, 'log'>,
  input: RestoreInput,
  reason: string,
): Promise<void> {
  const found = await readRestore(parts, input);
  if (found.state.status === 'completed' || found.state.status === 'failed') return;
  const { operationId } = found.request.data;
  await tellRestore(parts, found, { type: 'ReportRestoreFailed', data: { operationId, reason } });
}
