import type { Config } from '#infra/config/config.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { RunningRole, StartRole } from '#infra/process/role.ts';

/** The roles that workers play; the code of one is imported when it is started, so that each process carries its own alone. */
const roles: Readonly<Record<string, () => Promise<StartRole>>> = {
  backend: async () => startBackend,
  backup: async () => (await import('./backup.ts')).startBackup,
  relay: async () => (await import('#workers/relay/main.ts')).startRelayRole,
  'node-manager': async () => (await import('#workers/node-manager/main.ts')).startNodeManager,
};

/** Starts a role of the platform in this process. Rejects when it cannot start, or is none of the workers'. */
export async function startRole(name: string, config: Config, log: Logger): Promise<RunningRole> {
  const load = Object.hasOwn(roles, name) ? roles[name] : undefined;
  if (load === undefined) throw new Error(`"${name}" is no role of the workers: ${Object.keys(roles).join(', ')}.`);
  const start = await load();
  return start(config, log);
}

/** Read models and the reactions that need nothing but the log. It is here because only a composition root sees projections whole. */
async function startBackend(config: Config, logger: Logger): Promise<RunningRole> {
  const { openLogAccess } = await import('./log-access.ts');
  const { startReactions } = await import('./reactions/group.ts');
  const { tenantReactions } = await import('./reactions/tenant-reactions.ts');
  const { startUpkeep } = await import('#infra/log/upkeep.ts');
  const { runProjections } = await import('#projections/kernel/runner.ts');
  const { allViews } = await import('#projections/views.ts');
  const { lagOfViews, viewMetrics } = await import('#projections/kernel/lag.ts');
  const { lagOfGroups } = await import('#infra/event-log/consumers/lag.ts');
  const { groupMetrics } = await import('#infra/process/metrics.ts');

  const access = await openLogAccess(config, 'backend', logger);
  const { log, pool, objects } = access;
  const projections = runProjections(log, pool, allViews, logger);
  const reactions = startReactions({
    reactions: tenantReactions(access),
    log,
    pool,
    logger,
  });
  const upkeep = startUpkeep({ pool, objects, archiveAfter_days: config.logArchiveAfter_days, logger });
  const lags = () => Promise.all([lagOfViews(pool, log), lagOfGroups(pool, log)]);
  return {
    async readiness() {
      const state = projections.state();
      const detail = { projections: state, reactions: reactions.status() };
      if (state === 'connecting') return { ready: false, detail };
      const [{ views }, groups] = await lags();
      return { ready: true, detail: { ...detail, views, groups } };
    },
    async metrics() {
      const [views, groups] = await lags();
      return [viewMetrics(views), groupMetrics(groups)].join('\n');
    },
    async stop() {
      await Promise.all([reactions.stop(), projections.stop(), upkeep.stop()]);
      await access.close();
    },
  };
}
