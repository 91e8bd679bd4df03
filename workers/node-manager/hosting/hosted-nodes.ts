import type { NodeId } from '#domains/kernel/ids.ts';
import type { Engine } from '#workers/resp/engine-api.ts';
import type { Node } from '#workers/resp/keyspace/node.ts';

import type { Order } from '../engines/calls.ts';
import type { Storage } from './storage.ts';

/** The nodes that are open in this process. Each call may be repeated: what is so already stays so. */
export interface HostedNodes {
  /** Opens the node with its data, or brings an open one's settings up to date. Rejects with NodeDamaged when its data can't be had. */
  serve(order: Order): Promise<void>;
  /** Whether clients may use the node's data: false while it waits for a backup to be restored into it. */
  isLoaded(order: Order): boolean;
  /** Closes the node's connections and makes its data durable; the data stays. */
  close(nodeId: NodeId): Promise<void>;
  /** Closes the node and removes its data for good. */
  drop(nodeId: NodeId, partition: number): Promise<void>;
  find(nodeId: NodeId): Node | undefined;
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
  readonly storage: Storage;
  passwordSha256: string;
  /** A backup that was asked for is in. */
  restored: boolean;
}

const mebibyte = 2 ** 20;
const loading = 'LOADING MiniRedis is restoring a backup into this node';

export function hostNodes(engine: Engine, storageOf: (partition: number) => Storage): HostedNodes {
  const hosted = new Map<NodeId, Hosted>();

  async function open(order: Order): Promise<Hosted> {
    const storage = storageOf(order.partition);
    const node = await storage.open(order);
    const opened = { node, storage, passwordSha256: order.passwordSha256, restored: false };
    if (order.restoreFrom !== null) node.unavailable = loading;
    engine.adopt(node);
    hosted.set(order.nodeId, opened);
    return opened;
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
    async close(nodeId) {
      const open = hosted.get(nodeId);
      if (open === undefined) return;
      engine.closeNode(open.node);
      await open.storage.close(open.node);
      hosted.delete(nodeId);
    },
    async drop(nodeId, partition) {
      const open = hosted.get(nodeId);
      if (open !== undefined) engine.closeNode(open.node);
      hosted.delete(nodeId);
      await storageOf(partition).drop(nodeId);
    },
    find: (nodeId) => hosted.get(nodeId)?.node,
    async restore(node, loaded) {
      const open = hosted.get(node.id as NodeId);
      if (open?.node !== node) throw new Error('The node does not run; start it first.');
      await open.storage.replace(node, loaded);
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
