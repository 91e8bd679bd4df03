import { setTimeout as sleep } from 'node:timers/promises';

import type { ManagerId } from '#domains/kernel/ids.ts';
import type { NodeCommand } from '#domains/node/commands.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { nodeStream } from '#domains/node/events.ts';
import { execute, step, systemRequest } from '#infra/commands/execute.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Logger } from '#infra/logging/log.ts';

import type { RoutedNode } from '../routing/routed-node.ts';
import { createGate } from './gate.ts';

/** What has become of a node, for the log. */
export type Report =
  | { readonly verb: 'started' | 'stopped' | 'deleted'; readonly node: RoutedNode }
  | { readonly verb: 'failed'; readonly node: RoutedNode; readonly reason: string };

/** Resolves once the log has the report; rejects only when the signal is given first. */
export type Reporter = (report: Report, signal: AbortSignal) => Promise<void>;

/** So many reports are on their way at a time: enough for the log to take many in one batch. */
const concurrency = 100;
const retryFirst_ms = 50;
const retryLast_ms = 2000;
/** As long as the command allows. */
const reasonLengthMax = 1000;

/**
 * Reports to the log as this manager, again and again until it is there. The command id is made of the event that is answered, so
 * a report whose fate was lost with a connection is recorded once all the same.
 */
export function createReporter(eventLog: EventLog, managerId: ManagerId, log: Logger): Reporter {
  const actor = `node-manager/${managerId}`;
  const gate = createGate(concurrency);

  /** False when others wrote to the node at the same moment all the time. */
  async function send(report: Report, commandId: string): Promise<boolean> {
    const { verb, node } = report;
    const { nodeId, tenantId, cause } = node;
    const command = commandOf(report, managerId);
    const request = systemRequest({
      action: command.type,
      actor,
      commandId,
      target: { kind: 'node', id: nodeId },
      tenantId,
      correlationId: cause?.correlationId ?? commandId,
      causationId: cause?.eventId ?? null,
    });
    const outcome = await execute(eventLog, request, [
      step({ stream: nodeStream(nodeId), decider: nodeDecider, command }),
    ]);
    if (outcome.outcome === 'rejected' && outcome.rejection.code === 'concurrent_change') return false;
    if (outcome.outcome !== 'accepted') log.warn({ nodeId, verb, outcome }, 'the log did not take a report');
    return true;
  }

  return async (report, signal) => {
    const { verb, node } = report;
    // A node that fails without having been asked anything, at a start, is told from other times by the moment.
    const answered = node.cause?.eventId ?? `${node.nodeId}@${Date.now()}`;
    let commandId = `${answered}:${verb}`;
    for (let retry = 1; ; retry += 1) {
      signal.throwIfAborted();
      const retry_ms = Math.min(retryFirst_ms * 2 ** (retry - 1), retryLast_ms);
      try {
        if (await gate(() => send(report, commandId))) return;
        // The refusal is recorded under the old id for good.
        commandId = `${answered}:${verb}:${retry}`;
      } catch (error) {
        log.warn({ err: error, nodeId: node.nodeId, verb, retry_ms }, 'a report did not reach the log; trying again');
      }
      await sleep(retry_ms, undefined, { signal });
    }
  };
}

function commandOf(report: Report, managerId: ManagerId): NodeCommand {
  const { nodeId, epoch } = report.node;
  const data = { nodeId, managerId, epoch };
  switch (report.verb) {
    case 'started':
      return { type: 'ReportNodeStarted', data };
    case 'stopped':
      return { type: 'ReportNodeStopped', data };
    case 'deleted':
      return { type: 'ReportNodeDeleted', data };
    case 'failed':
      return { type: 'ReportNodeFailed', data: { ...data, reason: report.reason.slice(0, reasonLengthMax) } };
  }
}
