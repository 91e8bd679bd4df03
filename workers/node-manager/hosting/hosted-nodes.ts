import type { NodeId } from '#domains/kernel/ids.ts';
import type { Engine } from '#workers/resp/engine-api.ts';
import type { Node } from '#workers/resp/keyspace/node.ts';

import type { RoutedNode } from '../routing/routed-node.ts';
import { NodeDamaged, type Host } from './reconciler.ts';
import type { Storage } from './storage.ts';

/** The nodes that are open in this process. */
export interface HostedNodes extends Host {
  find(nodeId: NodeId): Node | undefined;
  /** Resolves once an opening that has begun has ended, one way or the other; at once when there is none. */
  opened(nodeId: NodeId): Promise<void>;
  /** Why the node could not be opened the last time. */
  failureOf(nodeId: NodeId): string | undefined;
  /** Puts a backup's data into a node. */
  restore(node: Node, loaded: Node): Promise<void>;
  readonly count: number;
  /** Bytes of keys and values in all of them. */
  readonly usedBytes: number;
  /** Connections that have logged in to a node. */
  readonly connections: number;
}

interface Hosted {
  readonly node: Node;
  passwordSha256: string;
  /** A backup that was asked for is in. */
  restored: boolean;
}

const mebibyte = 2 ** 20;
const loading = 'LOADING MiniRedis is restoring a backup into this node';

export function hostNodes(engine: Engine, storage: Storage): HostedNodes {
  const hosted = new Map<NodeId, Hosted>();
  const opening = new Map<NodeId, Promise<Hosted>>();
  const failures = new Map<NodeId, string>();

  function open(wanted: RoutedNode): Promise<Hosted> {
    const promise = openNow(wanted).finally(() => opening.delete(wanted.nodeId));
    opening.set(wanted.nodeId, promise);
    return promise;
  }

  async function openNow(wanted: RoutedNode): Promise<Hosted> {
    const { nodeId } = wanted;
    try {
      const node = await storage.open(wanted);
      const opened = { node, passwordSha256: wanted.passwordSha256, restored: false };
      failures.delete(nodeId);
      if (wanted.restoreFrom !== null) node.unavailable = loading;
      engine.adopt(node);
      hosted.set(nodeId, opened);
      return opened;
    } catch (error) {
      if (error instanceof NodeDamaged) failures.set(nodeId, error.message);
      throw error;
    }
  }

  async function close(nodeId: NodeId): Promise<void> {
    failures.delete(nodeId);
    const open = hosted.get(nodeId);
    if (open === undefined) return;
    engine.closeNode(open.node);
    await storage.close(open.node);
    hosted.delete(nodeId);
  }

  return {
    async serve(wanted) {
      const serving = hosted.get(wanted.nodeId) ?? (await open(wanted));
      engine.resizeNode(serving.node, wanted.memoryLimitMb * mebibyte);
      if (serving.passwordSha256 === wanted.passwordSha256) return;
      serving.passwordSha256 = wanted.passwordSha256;
      // Whoever knows only the old password has no business here any more.
      engine.disconnectTenants(serving.node);
    },
    isLoaded: ({ nodeId, restoreFrom }) => restoreFrom === null || hosted.get(nodeId)?.restored === true,
    close,
    async drop({ nodeId }) {
      failures.delete(nodeId);
      const open = hosted.get(nodeId);
      if (open !== undefined) engine.closeNode(open.node);
      hosted.delete(nodeId);
      await storage.drop(nodeId);
    },
    find: (nodeId) => hosted.get(nodeId)?.node,
    opened: async (nodeId) => {
      await opening.get(nodeId)?.catch(() => {});
    },
    failureOf: (nodeId) => failures.get(nodeId),
    async restore(node, loaded) {
      const open = hosted.get(node.id as NodeId);
      if (open?.node !== node) throw new Error('The node does not run; start it first.');
      await storage.replace(node, loaded);
      node.unavailable = undefined;
      open.restored = true;
    },
    get count() {
      return hosted.size;
    },
    get usedBytes() {
      let bytes = 0;
      for (const { node } of hosted.values()) bytes += node.usedBytes;
      return bytes;
    },
    get connections() {
      let connections = 0;
      for (const { node } of hosted.values()) connections += engine.connectionCount(node);
      return connections;
    },
  };
}
