import type { NodeId } from '#domains/kernel/ids.ts';
import { ratesOf, ratesWithin, type PlanRates } from '#domains/plan/plans.ts';
import type { Engine } from '#workers/resp/engine-api.ts';
import type { Node } from '#workers/resp/keyspace/node.ts';

import type { Order } from '../engines/calls.ts';
import type { Storage } from './storage.ts';

/**
 * The nodes that are open in this process, in memory or, when nobody uses them, on the disk alone. Each call may be repeated:
 * what is so already stays so.
 */
export interface HostedNodes {
  /** Opens the node with its data, or brings an open one's settings up to date. Rejects with NodeDamaged when its data can't be had. */
  serve(order: Order): Promise<void>;
  /** Whether clients may use the node's data: false while it waits for a backup to be restored into it. */
  isLoaded(order: Order): boolean;
  /** Closes the node's connections and makes its data durable; the data stays. */
  close(nodeId: NodeId): Promise<void>;
  /** Closes the node and removes its data for good. */
  drop(nodeId: NodeId, partition: number): Promise<void>;
  /** The node, when it is in memory. */
  find(nodeId: NodeId): Node | undefined;
  /** Brings an open node back into memory when it is not there. Rejects with NodeDamaged when its data can't be had. */
  wake(nodeId: NodeId): Promise<void>;
  /** Writes the data of nodes that nobody has used for so long to the disk, one after the other, and lets go of their memory. */
  unloadIdle(after_ms: number, signal?: AbortSignal): Promise<void>;
  /** Puts a backup's data into a node. */
  restore(node: Node, loaded: Node): Promise<void>;
  readonly count: number;
  /** Of these, how many are on the disk alone. */
  readonly unloaded: number;
  /** Bytes of keys and values in all of them. */
  readonly usedBytes: number;
  /** Connections that have logged in to a node. */
  readonly connections: number;
  /** How often clients were kept waiting by the limits of their nodes. */
  readonly throttledReads: number;
}

interface Hosted {
  /** What it was opened by last, and will be opened by again. */
  order: Order;
  readonly storage: Storage;
  /** Undefined while it is on the disk alone. */
  node: Node | undefined;
  /** Settled once a way to the disk or back, which has begun, has ended. */
  turning: Promise<void> | undefined;
  wokenAt_ms: number;
  /** A backup that was asked for is in. */
  restored: boolean;
}

const mebibyte = 2 ** 20;
const loading = 'LOADING MiniRedis is restoring a backup into this node';

/** `hostRates` is what any node may do in a second, whatever its plan. */
export function hostNodes(
  engine: Engine,
  storageOf: (partition: number) => Storage,
  hostRates: PlanRates,
): HostedNodes {
  const hosted = new Map<NodeId, Hosted>();
  /** Of nodes that are not in memory any more. */
  let throttledBefore = 0;

  async function openIn(storage: Storage, order: Order): Promise<Node> {
    const node = await storage.open(order);
    node.rateLimits = ratesWithin(ratesOf(order.plan), hostRates);
    return node;
  }

  async function open(order: Order): Promise<void> {
    const storage = storageOf(order.partition);
    const node = await openIn(storage, order);
    if (order.restoreFrom !== null) node.unavailable = loading;
    engine.adopt(node);
    hosted.set(order.nodeId, { order, storage, node, turning: undefined, wokenAt_ms: 0, restored: false });
  }

  /** Nobody else changes where the node is meanwhile. */
  function turn(one: Hosted, work: () => Promise<void>): Promise<void> {
    one.turning = work().finally(() => (one.turning = undefined));
    return one.turning;
  }

  async function settled(one: Hosted | undefined): Promise<void> {
    for (let way = one?.turning; way !== undefined; way = one?.turning) await way.catch(() => {});
  }

  async function load(one: Hosted): Promise<void> {
    one.node = await openIn(one.storage, one.order);
    engine.adopt(one.node);
  }

  function letGo(node: Node): void {
    engine.closeNode(node);
    throttledBefore += node.throttledReads;
  }

  /** Once its base is on the disk, nothing of it is needed in memory; when it can't be written, the node stays as it is. */
  async function unload(one: Hosted, node: Node): Promise<void> {
    await one.storage.close(node);
    letGo(node);
    one.node = undefined;
  }

  return {
    async serve(wanted) {
      const serving = hosted.get(wanted.nodeId);
      if (serving === undefined) return open(wanted);
      const { passwordSha256 } = serving.order;
      serving.order = wanted;
      await settled(serving);
      if (serving.node === undefined) return;
      engine.resizeNode(serving.node, wanted.memoryLimitMb * mebibyte);
      // Whoever knows only the old password has no business here any more.
      if (passwordSha256 !== wanted.passwordSha256) engine.disconnectTenants(serving.node);
    },
    isLoaded: ({ nodeId, restoreFrom }) => restoreFrom === null || hosted.get(nodeId)?.restored === true,
    async close(nodeId) {
      const one = hosted.get(nodeId);
      await settled(one);
      if (one?.node !== undefined) {
        letGo(one.node);
        await one.storage.close(one.node);
      }
      hosted.delete(nodeId);
    },
    async drop(nodeId, partition) {
      const one = hosted.get(nodeId);
      await settled(one);
      if (one?.node !== undefined) letGo(one.node);
      hosted.delete(nodeId);
      await storageOf(partition).drop(nodeId);
    },
    find(nodeId) {
      const one = hosted.get(nodeId);
      return one?.turning === undefined ? one?.node : undefined;
    },
    async wake(nodeId) {
      const one = hosted.get(nodeId);
      if (one === undefined) return;
      one.wokenAt_ms = Date.now();
      await settled(one);
      // Of several who waited for it, the first one brings it back.
      while (one.node === undefined && hosted.get(nodeId) === one) await (one.turning ?? turn(one, () => load(one)));
    },
    async unloadIdle(after_ms, signal) {
      for (const one of hosted.values()) {
        if (signal?.aborted === true) return;
        const { node } = one;
        if (node === undefined || one.turning !== undefined || node.unavailable !== undefined) continue;
        // Whoever it was woken for may still be on the way to it.
        if (engine.idleMs(node) < after_ms || Date.now() - one.wokenAt_ms < after_ms) continue;
        await turn(one, () => unload(one, node));
      }
    },
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
    get unloaded() {
      let unloaded = 0;
      for (const { node } of hosted.values()) if (node === undefined) unloaded += 1;
      return unloaded;
    },
    get usedBytes() {
      let bytes = 0;
      for (const { node } of hosted.values()) bytes += node?.usedBytes ?? 0;
      return bytes;
    },
    get throttledReads() {
      let reads = throttledBefore;
      for (const { node } of hosted.values()) reads += node?.throttledReads ?? 0;
      return reads;
    },
    get connections() {
      let connections = 0;
      for (const { node } of hosted.values()) if (node !== undefined) connections += engine.connectionCount(node);
      return connections;
    },
  };
}
