import { fileURLToPath } from 'node:url';

import type { NodeId } from '#domains/kernel/ids.ts';
import { openOperations, type Operation } from '#projections/operations/queries.ts';
import { getRoute, listManagers } from '#projections/routing/queries.ts';
import type { PlatformTarget } from '#infra/redis/platform-client.ts';
import type { TemporalClient } from '#infra/temporal/client.ts';
import { workflowBundle } from '#infra/temporal/workflow-bundle.ts';
import { keepWorking, type TemporalWorkerStatus } from '#infra/temporal/worker.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { Pool } from 'pg';

import { backupActivities } from './backup/activities.ts';
import { giveUp } from './give-up.ts';
import type { WorkflowParts } from './parts.ts';
import { restoreActivities } from './restore/activities.ts';
import { startSweeper, sweeperTimes, type OpenOperation } from './sweeper.ts';

const workflowsFile = fileURLToPath(new URL('workflows.ts', import.meta.url));

export interface WorkflowsOptions {
  readonly parts: Omit<WorkflowParts, 'locate'>;
  readonly pool: Pool;
  /** Address (host:port) of Temporal's front end, which may come up later. */
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly temporal: TemporalClient;
  readonly logger: Logger;
  readonly times?: typeof sweeperTimes;
}

export interface RunningWorkflows {
  status(): TemporalWorkerStatus;
  /** Lets activities end or be taken over by another worker. */
  stop(): Promise<void>;
}

/** Runs the workflows' worker and the sweeper that looks after operations. Returns at once, whether Temporal is there or not. */
export function startWorkflows(options: WorkflowsOptions): RunningWorkflows {
  const { pool, address, namespace, taskQueue, temporal, logger } = options;
  const parts: WorkflowParts = { ...options.parts, locate: (nodeId) => locate(pool, nodeId) };
  const worker = keepWorking({
    address,
    namespace,
    taskQueue,
    bundle: (signal) => workflowBundle(workflowsFile, signal),
    activities: { ...backupActivities(parts), ...restoreActivities(parts) },
    log: logger,
  });
  const sweeper = startSweeper(
    {
      openOperations: async () => (await openOperations(pool, ['backup', 'restore'])).map(carriedOut),
      temporal,
      giveUp: (call, reason) => giveUp(parts, call, reason),
      logger,
    },
    options.times,
  );
  return {
    status: () => worker.status(),
    stop: async () => {
      await Promise.all([sweeper.stop(), worker.stop()]);
    },
  };
}

/** An operation, and the workflow that carries it out. */
function carriedOut({ id, kind, target, createdAt, updatedAt }: Operation): OpenOperation {
  const input = { operationId: id };
  return {
    id,
    call:
      kind === 'backup'
        ? { workflow: 'backup', input: { ...input, backupId: target.id } }
        : { workflow: 'restore', input },
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
  };
}

async function locate(pool: Pool, nodeId: NodeId): Promise<PlatformTarget | null> {
  const route = await getRoute(pool, nodeId);
  const manager = (await listManagers(pool)).find(({ managerId }) => managerId === route?.managerId);
  return manager === undefined ? null : { nodeId, host: manager.host, port: manager.respPort };
}
