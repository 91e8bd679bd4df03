import type { BackupId, ManagerId, NodeId, TenantId } from '#domains/kernel/ids.ts';
import { nodeStream } from '#domains/node/events.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { RoutingRow } from '#projections/routing/queries.ts';

import type { RoutingStart } from './feed.ts';
import { applyEvent, type RoutedNode } from './routed-node.ts';

/** States of which the read model does not have all: a report names the event it answers, and a failure has its reason. */
const fromLog: ReadonlySet<string> = new Set(['provisioning', 'stopping', 'deleting', 'failed']);

/**
 * Where following the log begins: at the read model's position, so that a start takes no longer as the log grows; or at the
 * beginning of the log when there is no read model.
 */
export async function readRoutingStart(
  eventLog: EventLog,
  managerId: ManagerId,
  readModel: () => Promise<{ position: bigint; nodes: readonly RoutingRow[] }>,
  log: Logger,
): Promise<RoutingStart> {
  const { position, nodes } = await readModel().catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    log.info('there is no routing read model yet; following the log from its beginning');
    return { position: 0n, nodes: [] };
  });
  const ours = nodes.filter((row) => row.managerId === managerId && row.state !== 'deleted');
  const known = await Promise.all(ours.map((row) => fromLogOrRow(eventLog, row, position)));
  return { position, nodes: known.filter((node) => node !== undefined) };
}

async function fromLogOrRow(eventLog: EventLog, row: RoutingRow, position: bigint): Promise<RoutedNode | undefined> {
  const nodeId = row.nodeId as NodeId;
  if (!fromLog.has(row.state)) {
    const ids = {
      nodeId,
      tenantId: row.tenantId as TenantId,
      managerId: row.managerId as ManagerId,
      restoreFrom: row.restoreFrom as BackupId | null,
    };
    return { ...row, ...ids, hasRun: true, failure: null, cause: null };
  }
  let node: RoutedNode | undefined;
  for (const event of await eventLog.readStream(nodeStream(nodeId), { toPosition: position })) {
    node = applyEvent(node, event);
  }
  return node;
}

/** The table, or the schema it is in, has not been made yet; https://www.postgresql.org/docs/current/errcodes-appendix.html */
function isMissing(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '42P01' || code === '3F000';
}
