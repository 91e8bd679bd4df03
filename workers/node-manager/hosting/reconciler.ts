import { setTimeout as sleep } from 'node:timers/promises';

import type { NodeId } from '#domains/kernel/ids.ts';
import type { Logger } from '#infra/logging/log.ts';

import type { Report } from '../reports/reporter.ts';
import type { RoutedNode } from '../routing/routed-node.ts';

/** The node's data is there but can't be had; trying again would not help. */
export class NodeDamaged extends Error {
  override readonly name = 'NodeDamaged';
}

/** Whoever waits should ask again when the manager is back; `code` says that it is no fault of what was asked. */
class ManagerStops extends Error {
  override readonly name = 'ManagerStops';
  readonly code = 'STOPPING';
  constructor() {
    super('The node manager stops; try again in a moment.');
  }
}

/** What the manager can do with a node. Each call may be repeated: what is so already stays so. */
export interface Host {
  /** Opens the node with its data, or brings an open one's settings up to date. Rejects with NodeDamaged when its data can't be had. */
  serve(wanted: RoutedNode): Promise<void>;
  /** Whether clients may use the node's data: false while it waits for a backup to be restored into it. */
  isLoaded(wanted: RoutedNode): boolean;
  /** Closes the node's connections and makes its data durable; the data stays. Rejects when it can't be made durable. */
  close(nodeId: NodeId): Promise<void>;
  /** Closes the node and removes its data for good. */
  drop(wanted: RoutedNode): Promise<void>;
}

/** Brings what is hosted into line with what the log wants. */
export interface Reconciler {
  /** Something is wanted of the node that was not wanted before. */
  changed(nodeId: NodeId): void;
  /** Resolves once the node is as it is wanted, and the log knows; at once when it is. Rejects when the manager stops before. */
  settled(nodeId: NodeId): Promise<void>;
  /** Begins nothing new and waits for what was begun. */
  stop(): Promise<void>;
}

interface ReconcilerOptions {
  readonly find: (nodeId: NodeId) => RoutedNode | undefined;
  readonly host: Host;
  /** Resolves once the log has the report. */
  readonly report: (report: Report, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

const retryFirst_ms = 100;
const retryLast_ms = 5000;

/**
 * Works on each node by itself, one step after another, and on all nodes at the same time. It goes by what is wanted now, not by
 * each event, so it does not matter how many events passed while it was away.
 */
export function createReconciler({ find, host, report, log }: ReconcilerOptions): Reconciler {
  const working = new Map<NodeId, Promise<void>>();
  const again = new Set<NodeId>();
  const stopping = new AbortController();
  const { signal } = stopping;

  async function step(nodeId: NodeId, wanted: RoutedNode | undefined): Promise<void> {
    switch (wanted?.state) {
      case 'provisioning':
      case 'running':
        try {
          await host.serve(wanted);
        } catch (error) {
          if (!(error instanceof NodeDamaged)) throw error;
          log.error({ nodeId, reason: error.message }, 'the node can not be opened');
          await report({ verb: 'failed', node: wanted, reason: error.message }, signal);
          return;
        }
        if (wanted.state === 'provisioning' && host.isLoaded(wanted)) {
          await report({ verb: 'started', node: wanted }, signal);
        }
        return;
      case 'stopping':
        await host.close(nodeId);
        await report({ verb: 'stopped', node: wanted }, signal);
        return;
      case 'deleting':
        await host.drop(wanted);
        await report({ verb: 'deleted', node: wanted }, signal);
        return;
      case 'requested':
        return;
      default:
        await host.close(nodeId);
    }
  }

  async function work(nodeId: NodeId): Promise<void> {
    let retry_ms = retryFirst_ms;
    while (again.delete(nodeId) && !signal.aborted) {
      try {
        await step(nodeId, find(nodeId));
        retry_ms = retryFirst_ms;
      } catch (error) {
        if (signal.aborted) break;
        log.error({ err: error, nodeId, retry_ms }, 'what the log wants of a node could not be done; trying again');
        again.add(nodeId);
        await sleep(retry_ms, undefined, { signal }).catch(() => {});
        retry_ms = Math.min(retry_ms * 2, retryLast_ms);
      }
    }
    // In the same turn as the last look at what is wanted, so that no wish falls between.
    working.delete(nodeId);
  }

  function changed(nodeId: NodeId): void {
    if (signal.aborted) return;
    again.add(nodeId);
    if (!working.has(nodeId)) working.set(nodeId, work(nodeId));
  }

  return {
    changed,
    async settled(nodeId) {
      await working.get(nodeId);
      signal.throwIfAborted();
    },
    async stop() {
      stopping.abort(new ManagerStops());
      await Promise.all(working.values());
    },
  };
}
