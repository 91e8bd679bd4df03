import { nodeStream } from '#domains/node/events.ts';
import type { NodeId } from '#domains/kernel/ids.ts';
import type { NodeRow } from '#projections/nodes/queries.ts';

import type { GatewayDependencies } from '../dependencies.ts';
import { nodeFromLog, type WithOperations } from '#projections/from-log/queries.ts';

/**
 * The node as soon as it is in one of these states, or as it is when time is over. Tells what the log says, not what a read
 * model has come to.
 */
export async function nodeWhen(
  { log, feed, patience }: Pick<GatewayDependencies, 'log' | 'feed' | 'patience'>,
  nodeId: NodeId,
  states: readonly NodeRow['state'][],
  within_ms = patience.effect_ms,
): Promise<WithOperations<NodeRow>> {
  const watch = feed.watch([nodeStream(nodeId)]);
  const deadline = performance.now() + within_ms;
  try {
    for (;;) {
      const node = await nodeFromLog(log, nodeId);
      const left_ms = deadline - performance.now();
      if (states.includes(node.row.state) || left_ms <= 0) return node;
      if (!(await watch.next(left_ms))) return node;
    }
  } finally {
    watch.close();
  }
}

/** Where clients of the node connect; with the password where it is shown. */
export function endpointOf(node: NodeRow, { host, port }: GatewayDependencies['endpoint'], password: string | null) {
  const username = node.id;
  if (password === null) return { host, port, username };
  const authority = host.includes(':') ? `[${host}]` : host;
  return { host, port, username, password, url: `redis://${username}:${password}@${authority}:${port}` };
}
