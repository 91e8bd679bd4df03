import { readdir } from 'node:fs/promises';
import path from 'node:path';

import type { NodeId } from '#domains/kernel/ids.ts';
import type { Config } from '#infra/config/config.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { AuthRequest, Departure } from '#workers/resp/engine-api.ts';

import { NodeDamaged, type Host } from '../hosting/reconciler.ts';
import { lockFolder } from '../hosting/folder-lock.ts';
import type { RoutedNode } from '../routing/routed-node.ts';
import { openAssignments } from './assignments.ts';
import type { EngineStatus, ManagerCalls, Ticket, Verdict } from './calls.ts';
import { RemoteError, type Handlers } from './channel.ts';
import { createPlaces } from './places.ts';
import { keepEngine, type KeptEngine } from './keep-engine.ts';

/** The engine processes of a manager, and which node is in which. */
export interface Engines extends Host {
  isOpen(nodeId: NodeId): boolean;
  /** Resolves once an opening that has begun has ended, one way or the other; at once when there is none. */
  opened(nodeId: NodeId): Promise<void>;
  /** Why the node could not be opened the last time. */
  failureOf(nodeId: NodeId): string | undefined;
  /** Whether an open node has such an ACL user, and this is its password. */
  userFits(nodeId: NodeId, user: string, password: string): Promise<boolean>;
  /** Brings a connection to the process of the ticket's node; it is closed when that is not up. */
  handOver(connection: Departure, ticket: Ticket): void;
  /** What each process says of itself; null of one that is not up. */
  status(): Promise<readonly (EngineStatus | null)[]>;
  stop(): Promise<void>;
}

interface EnginesOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly authenticate: (request: AuthRequest) => Promise<Verdict>;
  /** A backup is in the node; resolves once the log knows that it runs. */
  readonly restored: (nodeId: NodeId) => Promise<void>;
  /** The node was open and its process has ended. */
  readonly lost: (nodeId: NodeId) => void;
}

interface OpenNode {
  readonly engine: KeptEngine;
  loaded: boolean;
}

/** The first partition is where all data was before there were several. */
function folderOf(folder: string, partition: number): string {
  return partition === 0 ? folder : path.join(folder, `partition-${partition}`);
}

async function partitionsIn(folder: string): Promise<number[]> {
  const names = (await readdir(folder)).map((name) => /^partition-(\d+)$/.exec(name)?.[1]);
  return names.filter((name) => name !== undefined).map(Number);
}

/**
 * Starts the engine processes. A node's data lies in a partition, one write-ahead log, for as long as it lives. Engine process `e`
 * of `n` works in the partitions p with p mod n = e, so that a start with another number of processes finds all nodes: with fewer,
 * some work in several partitions; with more, the new ones get the new nodes.
 */
export async function openEngines(options: EnginesOptions): Promise<Engines> {
  const { config, log, authenticate, restored, lost } = options;
  const count = config.engineProcesses;
  const folder = path.join(config.home, 'nodes', config.managerId);
  const lock = await lockFolder(path.join(folder, 'manager'));
  const assignments = await openAssignments(folder);
  const partitionCount = 1 + Math.max(count - 1, ...assignments.partitions(), ...(await partitionsIn(folder)));
  const open = new Map<NodeId, OpenNode>();
  const opening = new Map<NodeId, Promise<void>>();
  const failures = new Map<NodeId, string>();
  const places = createPlaces(count, assignments.nodes(), (nodeId) => assignments.partitionOf(nodeId));
  const used: number[] = [];

  const engines = Array.from({ length: count }, (_, index) => startEngine(index));
  /** Until all have said what they hold, a node whose partition nobody wrote down may be in any. */
  const allHeard = Promise.all(engines.map(({ heard }) => heard));

  function startEngine(index: number): { readonly engine: KeptEngine; readonly heard: Promise<void> } {
    const heard = Promise.withResolvers<void>();
    const partitions = Array.from({ length: partitionCount }, (_, partition) => partition);
    const ours = partitions.filter((partition) => partition % count === index);
    const engine = keepEngine({
      settings: {
        index,
        logLevel: config.logLevel,
        folders: ours.map((partition) => ({ partition, folder: folderOf(folder, partition) })),
        objectStoreUrl: config.objectStoreUrl,
        nodeRates: config.nodeRates,
        budgetBytes: config.nodeMemory.budget_mb * 2 ** 20,
        unloadAfter_ms: config.nodeUnloadAfter_s * 1000,
      },
      handlers: handlersFor(index),
      log,
      onUp(holding) {
        for (const [partition, nodeIds] of holding) {
          for (const nodeId of nodeIds) void assignments.assign(nodeId, partition).catch(() => {});
        }
        tellUse();
        heard.resolve();
      },
      onGone() {
        used[index] = 0;
        for (const [nodeId, { engine: of }] of open) {
          if (of !== engine) continue;
          open.delete(nodeId);
          lost(nodeId);
        }
      },
    });
    return { engine, heard: heard.promise };
  }

  function handlersFor(index: number): Handlers<ManagerCalls> {
    return {
      async authenticate(request) {
        const verdict = await authenticate(request);
        const { ticket } = verdict;
        return { verdict, here: ticket !== undefined && engineOf(ticket.nodeId)?.index === index };
      },
      handOver({ luggage, ticket }, handle) {
        if (handle !== undefined) handOver({ ...luggage, handle }, ticket);
      },
      async restored(nodeId) {
        const node = open.get(nodeId);
        if (node !== undefined) node.loaded = true;
        await restored(nodeId);
      },
      uses(bytes) {
        used[index] = bytes;
        tellUse();
      },
    };
  }

  function tellUse(): void {
    const all = engines.reduce((sum, _, index) => sum + (used[index] ?? 0), 0);
    for (const { engine } of engines) engine.current?.tell('othersUse', all - (used[engine.index] ?? 0));
  }

  function engineOf(nodeId: NodeId): KeptEngine | undefined {
    const partition = assignments.partitionOf(nodeId);
    return partition === undefined ? undefined : engines[partition % count]?.engine;
  }

  function handOver({ handle, ...luggage }: Departure, ticket: Ticket): void {
    const channel = engineOf(ticket.nodeId)?.current;
    if (channel === undefined) handle.close();
    else channel.tell('takeOver', { luggage, ticket }, handle);
  }

  /** Where the node's data is or will be, once that is on the disk too. */
  async function place(wanted: RoutedNode): Promise<{ partition: number; recorded: Promise<void> }> {
    if (wanted.hasRun && assignments.partitionOf(wanted.nodeId) === undefined) await allHeard;
    // Nodes of before there were partitions are in the first.
    const partition = assignments.partitionOf(wanted.nodeId) ?? (wanted.hasRun ? 0 : places.next());
    const recorded = assignments.assign(wanted.nodeId, partition);
    recorded.catch(() => {});
    places.note(wanted.nodeId, partition, wanted.memoryLimitMb);
    return { partition, recorded };
  }

  async function openNow(wanted: RoutedNode): Promise<void> {
    const { nodeId } = wanted;
    const { partition, recorded } = await place(wanted);
    const engine = engines[partition % count]?.engine;
    if (engine === undefined) throw new Error('unreachable: every partition is in a process');
    try {
      const loaded = await engine.ask('serve', { ...wanted, partition });
      await recorded;
      failures.delete(nodeId);
      open.set(nodeId, { engine, loaded });
    } catch (error) {
      if (!(error instanceof RemoteError) || error.name !== 'NodeDamaged') throw error;
      failures.set(nodeId, error.message);
      throw new NodeDamaged(error.message);
    }
  }

  return {
    async serve(wanted) {
      const { nodeId } = wanted;
      const promise = openNow(wanted).finally(() => opening.delete(nodeId));
      if (!open.has(nodeId)) opening.set(nodeId, promise);
      await promise;
    },
    isLoaded: ({ nodeId, restoreFrom }) => restoreFrom === null || open.get(nodeId)?.loaded === true,
    async close(nodeId) {
      failures.delete(nodeId);
      const node = open.get(nodeId);
      if (node === undefined) return;
      await node.engine.ask('close', nodeId);
      open.delete(nodeId);
      places.note(nodeId, assignments.partitionOf(nodeId) ?? 0, 0);
    },
    async drop({ nodeId, hasRun }) {
      failures.delete(nodeId);
      if (hasRun && assignments.partitionOf(nodeId) === undefined) await allHeard;
      const partition = assignments.partitionOf(nodeId);
      open.delete(nodeId);
      if (partition === undefined) return;
      await engines[partition % count]?.engine.ask('drop', { nodeId, partition });
      assignments.release(nodeId);
      places.forget(nodeId);
    },
    isOpen: (nodeId) => open.has(nodeId),
    opened: async (nodeId) => {
      await opening.get(nodeId)?.catch(() => {});
    },
    failureOf: (nodeId) => failures.get(nodeId),
    userFits: async (nodeId, user, password) =>
      (await open.get(nodeId)?.engine.ask('userFits', { nodeId, user, password })) ?? false,
    handOver,
    status: () =>
      Promise.all(engines.map(async ({ engine }) => engine.current?.call('status', null).catch(() => null) ?? null)),
    async stop() {
      await Promise.all(engines.map(({ engine }) => engine.stop()));
      await assignments.close();
      lock.release();
    },
  };
}
