import type { ManagerId } from '#domains/kernel/ids.ts';
import { managerDecider } from '#domains/manager/decider.ts';
import { managerStream } from '#domains/manager/events.ts';
import { execute, step, systemRequest } from '#infra/commands/execute.ts';
import type { Config } from '#infra/config/config.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';

/** Addresses that mean "all of this machine's" and can't be connected to by others. */
const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::', '[::]']);

/** How the platform's other roles reach a manager: the roles of one machine by its loopback. */
function reachableHost(bindHost: string): string {
  return wildcards.has(bindHost) ? '127.0.0.1' : bindHost;
}

/** Says in the log where the manager is and what it can hold. `startId` tells this start from others. */
export async function registerManager(
  eventLog: EventLog,
  config: Config,
  managerId: ManagerId,
  respPort: number,
  startId: string,
): Promise<void> {
  // How often the budget may be promised is for those to say who place nodes.
  const memoryBudgetMb = config.nodeMemory.budget_mb;
  const data = { managerId, host: reachableHost(config.bindHost), respPort, memoryBudgetMb };
  const request = systemRequest({
    action: 'RegisterManager',
    actor: `node-manager/${managerId}`,
    commandId: `register:${startId}`,
    target: { kind: 'manager', id: managerId },
    tenantId: null,
    correlationId: `register:${startId}`,
    causationId: null,
  });
  const command = { type: 'RegisterManager', data } as const;
  const outcome = await execute(eventLog, request, [
    step({ stream: managerStream(managerId), decider: managerDecider, command }),
  ]);
  if (outcome.outcome !== 'accepted')
    throw new Error(`The log did not take the manager's registration: ${outcome.outcome}.`);
}
