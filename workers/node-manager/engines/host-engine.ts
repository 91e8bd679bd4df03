import { setTimeout as sleep } from 'node:timers/promises';

import type { NodeId } from '#domains/kernel/ids.ts';
import { createLog } from '#infra/logging/log.ts';
import { openObjectStore } from '#infra/object-store/open.ts';
import type { AuthRequest, AuthResult, Departure, Engine } from '#workers/resp/engine-api.ts';
import { createEngine } from '#workers/resp/engine.ts';
import { rdbCodec } from '#workers/resp/persistence/codec.ts';

import { hostNodes, type HostedNodes } from '../hosting/hosted-nodes.ts';
import { guardMemory } from '../hosting/memory-guard.ts';
import { openStorage, type Storage } from '../hosting/storage.ts';
import { unloadWhenIdle } from '../hosting/unloading.ts';
import { platformCommands } from '../platform/commands.ts';
import type { EngineCalls, EngineSettings, EngineStatus, ManagerCalls, Order, Ticket } from './calls.ts';
import type { Channel } from './channel.ts';
import { enter } from './entry.ts';

/** An engine with its nodes, their data, and what the manager can ask of them. */
export interface HostedEngine {
  /** The nodes of which there was data at the start, by partition. */
  readonly holding: EngineCalls['start']['answers'];
  serve(order: Order): Promise<boolean>;
  close(nodeId: NodeId): Promise<void>;
  drop(nodeId: NodeId, partition: number): Promise<void>;
  userFits(login: EngineCalls['userFits']['asks']): Promise<boolean>;
  status(): EngineStatus;
  takeOver(arrival: Departure, ticket: Ticket): void;
  othersUse(bytes: number): void;
  /** Makes all data durable and ends the connections. */
  stop(): Promise<void>;
}

/** How long connections have to take their last replies. */
const patience_ms = 2500;

/** Opens the partitions' data. Rejects when it can't be read. */
export async function hostEngine(settings: EngineSettings, manager: Channel<ManagerCalls>): Promise<HostedEngine> {
  const log = createLog(`node-manager engine ${settings.index}`, settings.logLevel);
  const store = await openObjectStore(settings.objectStoreUrl);
  const engine: Engine = createEngine({
    authenticate: (request) => authenticate(request),
    codec: rdbCodec,
    onFault: (node, command, error) =>
      log.error({ nodeId: node.id, command, err: error }, 'a command of the engine failed'),
    // A reader that takes nothing of its replies may hold up as much of the memory that all share as the largest of values
    // takes, and no more.
    limits: { outputBufferBytesMax: 513 * 2 ** 20, maxClients: 20_000, nodeClientsMax: 10_000 },
    extraCommands: [
      platformCommands({
        store,
        objectStoreUrl: settings.objectStoreUrl,
        log,
        isOpen: (node) => hosted.find(node.id as NodeId) === node,
        async replace(node, loaded) {
          await hosted.restore(node, loaded);
          // Whoever asked for the restore finds the node running.
          await manager.call('restored', node.id as NodeId);
        },
      }),
    ],
  });
  const storages = new Map<number, Storage>();
  for (const { partition, folder } of settings.folders) storages.set(partition, await openStorage(engine, folder, log));
  const hosted: HostedNodes = hostNodes(
    engine,
    (partition) => {
      const storage = storages.get(partition);
      if (storage === undefined) throw new Error(`Partition ${partition} is not this process's.`);
      return storage;
    },
    settings.nodeRates,
  );
  const memory = guardMemory({
    engine,
    usedBytes: () => hosted.usedBytes,
    budgetBytes: settings.budgetBytes,
    log,
    tell: (bytes) => manager.tell('uses', bytes),
  });

  const stopUnloading = unloadWhenIdle({ hosted, after_ms: settings.unloadAfter_ms, log });

  /** The node may be on the disk. */
  async function enterAwake(ticket: Ticket): Promise<AuthResult> {
    try {
      await hosted.wake(ticket.nodeId);
    } catch (error) {
      log.error({ err: error, nodeId: ticket.nodeId }, 'a node could not be read back from the disk');
      return { refusal: 'ERR node has failed: its data could not be read back from the disk' };
    }
    return enter(hosted, ticket);
  }

  /** Somebody who is connected to a node here logs in anew. */
  async function authenticate(request: AuthRequest): Promise<AuthResult> {
    const { verdict, here } = await manager.call('authenticate', request);
    const { ticket } = verdict;
    if (ticket === undefined) return verdict;
    if (here) return enterAwake(ticket);
    return { elsewhere: ({ handle, ...luggage }) => manager.tell('handOver', { luggage, ticket }, handle) };
  }

  return {
    holding: [...storages].map(([partition, storage]) => [partition, storage.nodes()] as const),
    async serve(order) {
      await hosted.serve(order);
      return hosted.isLoaded(order);
    },
    close: (nodeId) => hosted.close(nodeId),
    drop: (nodeId, partition) => hosted.drop(nodeId, partition),
    async userFits({ nodeId, user, password }) {
      await hosted.wake(nodeId);
      const node = hosted.find(nodeId);
      return node !== undefined && engine.userFits(node, user, password);
    },
    status: () => ({
      pid: process.pid,
      nodes: hosted.count,
      unloaded: hosted.unloaded,
      connections: hosted.connections,
      throttledReads: hosted.throttledReads,
      usedBytes: hosted.usedBytes,
      failure: [...storages.values()].find(({ failure }) => failure !== undefined)?.failure ?? null,
      writeAheadLogs: [...storages].map(([partition, storage]) => ({ partition, ...storage.status() })),
    }),
    takeOver(arrival, ticket) {
      const awake = hosted.find(ticket.nodeId) !== undefined || ticket.stopped;
      if (awake) engine.takeOver(arrival, enter(hosted, ticket));
      else void enterAwake(ticket).then((admitted) => engine.takeOver(arrival, admitted));
    },
    othersUse: (bytes) => memory.othersUse(bytes),
    async stop() {
      memory.stop();
      await stopUnloading();
      const disconnected = engine.close();
      // The tenants' data comes first, whatever becomes of connections.
      await Promise.all([...storages.values()].map((storage) => storage.shut()));
      await Promise.race([disconnected, sleep(patience_ms)]);
    },
  };
}
