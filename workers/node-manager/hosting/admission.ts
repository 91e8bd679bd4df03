import type { NodeId } from '#domains/kernel/ids.ts';
import type { AuthResult, Engine } from '#workers/resp/engine-api.ts';
import { Node } from '#workers/resp/keyspace/node.ts';

import type { RoutedNode } from '../routing/routed-node.ts';
import type { HostedNodes } from './hosted-nodes.ts';

const opening = { refusal: 'LOADING MiniRedis is opening this node; try again in a moment' } as const;
const stopped = 'ERR node is stopped; start it first';
const tooMany = { refusal: 'ERR max number of clients reached' } as const;

/** Connections one node may have, so that no tenant takes all that the process has. */
const connectionsMax = 5000;
/** How long AUTH waits for a node that is being opened. */
const openingPatience_ms = 1000;

interface AdmissionOptions {
  readonly engine: Engine;
  readonly hosted: HostedNodes;
  readonly find: (nodeId: NodeId) => RoutedNode | undefined;
}

/** Lets connections that proved themselves into their node, or tells them why it can't be used now. */
export interface Admission {
  admit(nodeId: NodeId): Promise<AuthResult> | AuthResult;
  /** The platform's connections also reach nodes that do not run, where they can only verify backups. */
  admitPlatform(nodeId: NodeId): Promise<AuthResult> | AuthResult;
}

export function createAdmission({ engine, hosted, find }: AdmissionOptions): Admission {
  const enter = (node: Node): AuthResult => (engine.connectionCount(node) >= connectionsMax ? tooMany : { node });

  async function afterOpening(nodeId: NodeId): Promise<AuthResult> {
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, openingPatience_ms).unref();
    await Promise.race([hosted.opened(nodeId), timer.promise]);
    clearTimeout(timeout);
    const node = hosted.find(nodeId);
    if (node !== undefined) return enter(node);
    return refusalOf(find(nodeId), hosted.failureOf(nodeId)) ?? opening;
  }

  function admit(nodeId: NodeId): Promise<AuthResult> | AuthResult {
    const wanted = find(nodeId);
    const refusal = refusalOf(wanted, hosted.failureOf(nodeId));
    if (refusal !== undefined) return refusal;
    const node = hosted.find(nodeId);
    return node === undefined ? afterOpening(nodeId) : enter(node);
  }

  return {
    admit,
    async admitPlatform(nodeId) {
      // However many connections the tenant has, its backups must go on.
      const open = hosted.find(nodeId);
      if (open?.closed === false) return { node: open, privileged: true };
      const admitted = await admit(nodeId);
      if (admitted.node !== undefined) return { node: admitted.node, privileged: true };
      const state = find(nodeId)?.state;
      if (state !== 'stopping' && state !== 'stopped') return admitted;
      const closed = new Node({ id: nodeId });
      closed.unavailable = stopped;
      return { node: closed, privileged: true };
    },
  };
}

function refusalOf(wanted: RoutedNode | undefined, failure: string | undefined): AuthResult | undefined {
  switch (wanted?.state) {
    case undefined:
    case 'deleting':
    case 'deleted':
      // As for a node that never was.
      return {};
    case 'stopping':
    case 'stopped':
      return { refusal: stopped };
    case 'failed':
      return { refusal: `ERR node has failed: ${inLine(wanted.failure ?? failure ?? 'its data could not be opened')}` };
    default:
      return failure === undefined ? undefined : { refusal: `ERR node has failed: ${inLine(failure)}` };
  }
}

/** An error reply is one line. */
function inLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').slice(0, 300);
}
