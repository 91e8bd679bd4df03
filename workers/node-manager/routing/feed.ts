import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { ManagerId, NodeId } from '#domains/kernel/ids.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';

import { shareHeadReads } from './head-reader.ts';
import { createProgress } from './position.ts';
import { applyEvent, type RoutedNode } from './routed-node.ts';

/** What the log wants of this manager's nodes, kept up to date by following it. */
export interface RoutingFeed {
  /** Everything up to here is known. */
  readonly position: bigint;
  find(nodeId: string): RoutedNode | undefined;
  nodes(): Iterable<RoutedNode>;
  /** True once all that was recorded before the call is known; false when that takes longer, or the log is away. */
  caughtUp(timeout_ms: number): Promise<boolean>;
  /** Rejects when the log can't be followed any more. Resolves after `stop`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Orders as of a position, from which on the log is followed. */
export interface RoutingStart {
  readonly position: bigint;
  readonly nodes: Iterable<RoutedNode>;
}

/** Follows the log. `changed` is called for a node of this manager, or one that was, after each batch that concerns it. */
export function followRouting(
  log: EventLog,
  managerId: ManagerId,
  start: RoutingStart,
  changed: (nodeId: NodeId) => void,
): RoutingFeed {
  const nodes = new Map<string, RoutedNode>();
  for (const node of start.nodes) if (isOurs(node)) nodes.set(node.nodeId, node);
  const progress = createProgress(start.position);
  const head = shareHeadReads(() => log.head());

  function isOurs(node: RoutedNode): boolean {
    return node.state !== 'deleted' && (node.managerId === null || node.managerId === managerId);
  }

  function apply(event: RecordedEvent): NodeId | undefined {
    const { nodeId } = event.data as { nodeId: NodeId };
    const before = nodes.get(nodeId);
    const after = applyEvent(before, event);
    if (after === undefined) return undefined;
    if (isOurs(after)) nodes.set(nodeId, after);
    else nodes.delete(nodeId);
    return nodeId;
  }

  const subscription = log.subscribe({
    after: start.position,
    filter: { categories: ['node'] },
    async handle(batch, upTo) {
      const touched = new Set<NodeId>();
      for (const event of batch) {
        const nodeId = apply(event);
        if (nodeId !== undefined) touched.add(nodeId);
      }
      for (const nodeId of touched) changed(nodeId);
      progress.advance(upTo);
    },
  });

  return {
    get position() {
      return progress.position;
    },
    find: (nodeId) => nodes.get(nodeId),
    nodes: () => nodes.values(),
    async caughtUp(timeout_ms) {
      const deadline = Date.now() + timeout_ms;
      const position = await within(head(), timeout_ms);
      return position !== undefined && progress.reached(position, Math.max(deadline - Date.now(), 0));
    },
    ended: subscription.ended,
    stop: () => subscription.stop(),
  };
}

/** The value, or undefined when it fails or takes too long. */
async function within<T>(promise: Promise<T>, timeout_ms: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, timeout_ms, undefined).unref();
  try {
    return await Promise.race([promise, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
