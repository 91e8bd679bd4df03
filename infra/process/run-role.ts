import { setTimeout as sleep } from 'node:timers/promises';

import type { Config } from '#infra/config/config.ts';
import type { Logger } from '#infra/logging/log.ts';

import { readinessOf, serveProbes } from './probes.ts';
import type { RunningRole, StartRole } from './role.ts';

/** What a supervised role tells its supervisor over IPC. */
export interface RoleReady {
  readonly type: 'ready';
}

/** Work that has begun gets this long to end after SIGTERM; less when the supervisor is gone and the next one may be waiting. */
const drainPatience_ms = 10_000;
const orphanPatience_ms = 3000;

/** What `runRole` needs to know. */
export interface RunRoleOptions {
  readonly name: string;
  readonly config: Config;
  readonly log: Logger;
  readonly load: () => Promise<StartRole>;
  /** Where to serve `/livez`, `/readyz` and `/metrics`; undefined where the role does so itself or its supervisor asks over IPC. */
  readonly probes: { readonly host: string; readonly port: number } | undefined;
}

/**
 * Runs a role for the whole life of this process: starts it, reports when it is ready, drains it on SIGTERM (and SIGINT, when
 * nobody supervises it) and when the supervisor is gone, and ends the process with 0 after a clean stop, else 1.
 */
export async function runRole({ name, config, log, load, probes }: RunRoleOptions): Promise<void> {
  const supervised = process.send !== undefined;
  let role: RunningRole | undefined;
  let stopping = false;

  const stop = async (reason: string, patience_ms: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    const drained = role === undefined ? true : await drain(role, patience_ms, log);
    log.info({ drained }, 'stopped');
    process.exit(drained ? 0 : 1);
  };
  const crash = (error: unknown): void => {
    log.fatal({ err: error }, 'the role failed and its process ends');
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  process.on('SIGTERM', () => void stop('SIGTERM', drainPatience_ms));
  // Under a supervisor Ctrl-C is the supervisor's to hear: it stops the roles in their order.
  process.on('SIGINT', () => void (supervised || stop('SIGINT', drainPatience_ms)));
  const orphaned = (): void => void stop('the supervisor is gone', orphanPatience_ms);
  process.on('disconnect', orphaned);
  // It may have gone while this process was loading, and then nobody says so any more.
  if (supervised && !process.connected) orphaned();

  try {
    const startRole = await load();
    if (probes !== undefined) {
      const readiness = () => role?.readiness() ?? Promise.resolve({ ready: false, detail: { state: 'starting' } });
      const metrics = async () => (await role?.metrics?.()) ?? '';
      await serveProbes(probes.host, probes.port, name, readiness, metrics);
      log.info({ port: probes.port }, 'serving /livez, /readyz and /metrics');
    }
    role = await startRole(config, log);
  } catch (error) {
    crash(error);
    return;
  }
  // A stop that was asked for while the role was starting found nothing to drain and has ended the process by now.
  await untilReady(role);
  log.info('ready');
  if (supervised && process.connected) process.send?.({ type: 'ready' } satisfies RoleReady);
}

async function drain(role: RunningRole, patience_ms: number, log: Logger): Promise<boolean> {
  try {
    const result = await Promise.race([role.stop().then(() => 'done' as const), sleep(patience_ms, 'late' as const)]);
    if (result === 'late') log.error({ patience_ms }, 'the role did not stop in time');
    return result === 'done';
  } catch (error) {
    log.error({ err: error }, 'the role failed while stopping');
    return false;
  }
}

async function untilReady(role: RunningRole): Promise<void> {
  while (!(await readinessOf(() => role.readiness())).ready) await sleep(20);
}
