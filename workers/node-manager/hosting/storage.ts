import type { NodeId } from '#domains/kernel/ids.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { Engine } from '#workers/resp/engine-api.ts';
import { Node } from '#workers/resp/keyspace/node.ts';
import { openWal, type NodeToOpen, type OpenedNode, type Wal } from '#workers/resp/persistence/wal/wal.ts';

import type { RoutedNode } from '../routing/routed-node.ts';
import { lockFolder } from './folder-lock.ts';
import { NodeDamaged } from './reconciler.ts';

/** What keeps a partition's nodes on disk: one write-ahead log for all of them, and a base for each. */
export interface Storage {
  /** The node with its data, its effects journaled from now on. Rejects with NodeDamaged when its data can't be recovered. */
  open(wanted: RoutedNode): Promise<Node>;
  /** Makes what was written durable and lets go of the node; its data stays. */
  close(node: Node): Promise<void>;
  /** Removes the data of a node, open or not. */
  drop(nodeId: NodeId): Promise<void>;
  /** Puts loaded data in the place of the node's, atomically and durably; the old data stays when it rejects. */
  replace(node: Node, loaded: Node): Promise<void>;
  /** Nodes of which there is data. */
  nodes(): readonly string[];
  /** Why nothing can be written down at the moment. */
  readonly failure: string | undefined;
  status(): Record<string, unknown>;
  /** Makes everything durable and lets go of the folder. May be called again. */
  shut(): Promise<void>;
}

const mebibyte = 2 ** 20;

/** Opens a partition's folder, in which one process at a time may work. Rejects when the log of writes is damaged. */
export async function openStorage(engine: Engine, folder: string, log: Logger): Promise<Storage> {
  const lock = await lockFolder(folder);
  let wal: Wal;
  try {
    wal = await openWal({
      dir: folder,
      apply: (node, db, args) => engine.applyJournaled(node, db, args),
      onTrouble: (message) => log.error(message),
    });
  } catch (error) {
    lock.release();
    throw error;
  }
  const { failed, ...found } = wal.report;
  const whole = found.cut === undefined && found.damage === undefined && failed.size === 0;
  log[whole ? 'info' : 'warn']({ ...found, failed: Object.fromEntries(failed) }, 'the write-ahead log was read');
  const openTogether = openInOnePass(wal);
  /** Nodes whose writes are not written down as they happen: an orderly stop writes them. */
  const unwritten = new Set<string>();
  let shutting: Promise<void> | undefined;

  async function shut(): Promise<void> {
    for (const id of unwritten) {
      await wal
        .writeBase(id)
        .catch((error: unknown) => log.error({ err: error, nodeId: id }, 'a base was not written'));
    }
    await wal.close();
    lock.release();
  }

  return {
    async open(wanted) {
      const { nodeId, epoch, memoryLimitMb, evictionPolicy } = wanted;
      const durability = wanted.durability === 'quorum' ? 'always' : wanted.durability;
      const node = new Node({ id: nodeId, maxMemory: memoryLimitMb * mebibyte, evictionPolicy });
      // In a log that is damaged somewhere, a new node has to be told from one whose records are gone.
      const fresh = found.damage !== undefined && !wanted.hasRun && !wal.nodes().includes(nodeId);
      const opened = await openTogether({ node, epoch, durability, fresh });
      if (!opened.ok) throw new NodeDamaged(opened.reason);
      if (durability === 'none') unwritten.add(nodeId);
      return node;
    },
    async close({ id }) {
      await wal.closeNode(id, { base: true });
      unwritten.delete(id);
    },
    async drop(nodeId) {
      unwritten.delete(nodeId);
      await wal.dropNode(nodeId);
    },
    replace: (node, loaded) => wal.replaceNode(node.id, loaded, () => engine.replaceKeyspace(node, loaded)),
    nodes: () => wal.nodes(),
    get failure() {
      return wal.failure;
    },
    status: () => ({
      bytes: wal.bytes,
      failure: wal.failure ?? null,
      cut: found.cut ?? null,
      damage: found.damage ?? null,
    }),
    shut: () => (shutting ??= shut()),
  };
}

/** Gathers the nodes that are opened in the same turn: recovering them takes one pass over the log, however many they are. */
function openInOnePass(wal: Wal): (wanted: NodeToOpen) => Promise<OpenedNode> {
  let gathered: NodeToOpen[] = [];
  let pass: Promise<readonly OpenedNode[]> | undefined;
  return async (wanted) => {
    const index = gathered.push(wanted) - 1;
    pass ??= Promise.resolve().then(() => {
      const together = gathered;
      gathered = [];
      pass = undefined;
      return wal.openNodes(together);
    });
    const opened = (await pass)[index];
    if (opened === undefined) throw new Error('unreachable: every node that is opened has a result');
    return opened;
  };
}
