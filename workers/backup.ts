import type { Config } from '#infra/config/config.ts';
import { issuePlatformToken } from '#infra/crypto/platform-token.ts';
import type { Logger } from '#infra/logging/log.ts';
import { lagOfGroups } from '#infra/event-log/consumers/lag.ts';
import { groupMetrics } from '#infra/process/metrics.ts';
import { openObjectStore } from '#infra/object-store/open.ts';
import type { RunningRole } from '#infra/process/role.ts';
import { platformClient } from '#infra/redis/platform-client.ts';
import { temporalClient } from '#infra/temporal/client.ts';
import { workflowTaskQueue } from '#infra/temporal/workflow-names.ts';

import { openLogAccess } from './log-access.ts';
import { backupDeletedToObjectRemoval } from './reactions/backup-deleted-to-object-removal.ts';
import { backupRequestedToWorkflow } from './reactions/backup-requested-to-workflow.ts';
import { startReactions } from './reactions/group.ts';
import { restoreRequestedToWorkflow } from './reactions/restore-requested-to-workflow.ts';
import { startWorkflows } from './workflows/start.ts';

/** A platform token is for one connection, which it is shown to at its beginning. */
const tokenLifetime_ms = 60_000;

/**
 * Backups and restores: the reactions that start their workflows, the worker that runs them, and the sweeper. It is ready without
 * Temporal, which may be minutes in coming; what was asked for meanwhile is carried out when it is there.
 */
export async function startBackup(config: Config, logger: Logger): Promise<RunningRole> {
  const { temporalAddress: address, temporalNamespace: namespace } = config;
  const objects = await openObjectStore(config.objectStoreUrl);
  const access = await openLogAccess(config, 'backup', logger);
  const { log, pool, masterKey } = access;
  const taskQueue = workflowTaskQueue(masterKey);
  const temporal = temporalClient({ address, namespace, taskQueue });
  const platform = platformClient((nodeId) =>
    issuePlatformToken(masterKey, { nodeId, expiresAt: new Date(Date.now() + tokenLifetime_ms) }),
  );
  const workflows = startWorkflows({
    parts: { log, masterKey, objects, platform },
    pool,
    address,
    namespace,
    taskQueue,
    temporal,
    logger,
  });
  const reactions = startReactions({
    reactions: [
      backupRequestedToWorkflow(temporal),
      restoreRequestedToWorkflow(temporal),
      backupDeletedToObjectRemoval(log, objects),
    ],
    log,
    pool,
    logger,
  });
  return {
    async readiness() {
      // It is ready without PostgreSQL, too: what was asked for waits there.
      const groups = await lagOfGroups(pool, log).catch(() => null);
      return { ready: true, detail: { temporal: workflows.status(), reactions: reactions.status(), groups } };
    },
    metrics: async () => groupMetrics(await lagOfGroups(pool, log)),
    async stop() {
      await Promise.all([reactions.stop(), workflows.stop()]);
      await temporal.close();
      await access.close();
    },
  };
}
