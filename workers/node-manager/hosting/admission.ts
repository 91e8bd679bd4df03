import type { NodeId } from '#domains/kernel/ids.ts';

import type { Ticket, Verdict } from '../engines/calls.ts';
import type { Engines } from '../engines/engines.ts';
import { opening, stopped } from '../engines/entry.ts';
import type { RoutedNode } from '../routing/routed-node.ts';

/** How long AUTH waits for a node that is being opened. */
const openingPatience_ms = 1000;

interface AdmissionOptions {
  readonly engines: Pick<Engines, 'isOpen' | 'opened' | 'failureOf'>;
  readonly find: (nodeId: NodeId) => RoutedNode | undefined;
}

/** Gives tickets to connections that proved themselves, or tells them why their node can't be used now. */
export interface Admission {
  admit(nodeId: NodeId): Promise<Verdict> | Verdict;
  /** The platform's connections also reach nodes that do not run, where they can only verify backups. */
  admitPlatform(nodeId: NodeId): Promise<Verdict> | Verdict;
}

export function createAdmission({ engines, find }: AdmissionOptions): Admission {
  const ticket = (nodeId: NodeId, more: Partial<Ticket> = {}): Verdict => ({
    ticket: { nodeId, privileged: false, aclUser: null, stopped: false, ...more },
  });

  async function afterOpening(nodeId: NodeId): Promise<Verdict> {
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, openingPatience_ms).unref();
    await Promise.race([engines.opened(nodeId), timer.promise]);
    clearTimeout(timeout);
    if (engines.isOpen(nodeId)) return ticket(nodeId);
    return refusalOf(find(nodeId), engines.failureOf(nodeId)) ?? opening;
  }

  function admit(nodeId: NodeId): Promise<Verdict> | Verdict {
    const refusal = refusalOf(find(nodeId), engines.failureOf(nodeId));
    if (refusal !== undefined) return refusal;
    return engines.isOpen(nodeId) ? ticket(nodeId) : afterOpening(nodeId);
  }

  return {
    admit,
    async admitPlatform(nodeId) {
      if (engines.isOpen(nodeId)) return ticket(nodeId, { privileged: true });
      const admitted = await admit(nodeId);
      if (admitted.ticket !== undefined) return ticket(nodeId, { privileged: true });
      const state = find(nodeId)?.state;
      if (state !== 'stopping' && state !== 'stopped') return admitted;
      return ticket(nodeId, { privileged: true, stopped: true });
    },
  };
}

function refusalOf(wanted: RoutedNode | undefined, failure: string | undefined): Verdict | undefined {
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
