import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Config, type Settings, withAddresses } from '../config/config.ts';
import { createLog } from '../logging/log.ts';
import { availableRoles } from '../process/roles.ts';
import { databaseUrlOf, keepPostgres, migrateDatabase } from './database.ts';
import { openLog } from './home.ts';
import { keepPlatformFile } from './platform-file.ts';
import { choosePorts } from './ports.ts';
import { preparePostgres } from './postgres/prepare.ts';
import { launchRole, roleScript } from './role-process.ts';
import { type ChildState, supervise } from './supervise.ts';
import { takeHome } from './take-home.ts';
import { keepTemporal } from './temporal/keep.ts';
import type { Terminal } from './terminal.ts';

/** A platform whose children are kept running. */
export interface Platform {
  readonly config: Config;
  /** Settles when every role has been ready. */
  readonly ready: Promise<void>;
  /** Drains and stops everything that was started, and lets go of the home. */
  stop(): Promise<void>;
}

/** Whoever asks others for something stops before them, and so starts after them. */
function startOrder({ kafka }: Settings): string[] {
  return ['node-manager', 'backend', 'backup', ...(kafka === undefined ? [] : ['relay']), 'gateway'];
}

/** A Temporal that must be built waits for the roles, but not for one that never gets ready. */
const rolesFirst_ms = 10_000;

/** How long nothing more is said of a child that was just reported. */
const quietFor_ms = 30_000;

/**
 * Starts everything on this machine: PostgreSQL, the schema, then the roles side by side while Temporal comes up. Every step is
 * undone in reverse when the platform stops, or when a later step fails or the signal aborts. `script` runs one role.
 */
export async function startPlatform(
  settings: Settings,
  terminal: Terminal,
  signal: AbortSignal,
  script = roleScript,
): Promise<Platform> {
  const undo: Array<() => Promise<void> | void> = [];
  const stop = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    undo.push(await takeHome(settings));
    const logFd = openLog(settings.home, 'platform');
    undo.push(() => closeSync(logFd));
    const log = createLog('platform', settings.logLevel, logFd);
    const ports = await choosePorts(settings);

    terminal.progress('PostgreSQL: starting …');
    const postgres =
      settings.databaseUrl === undefined ? await preparePostgres(settings.home, ports.postgres) : undefined;
    const databaseUrl = postgres === undefined ? (settings.databaseUrl ?? '') : databaseUrlOf(postgres);
    const config = withAddresses(settings, databaseUrl, settings.temporalAddress ?? `127.0.0.1:${ports.temporal}`);
    const { gatewayPort: gateway, respPort: resp, temporalAddress } = config;
    const file = keepPlatformFile(settings.home, { ports: { ...ports, gateway, resp }, databaseUrl, temporalAddress });
    undo.push(() => file.remove());
    signal.addEventListener('abort', () => file.setStopping());
    const report = reportEnds(terminal);
    const onState = (name: string) => (state: ChildState) => {
      file.set(name, 'pid' in state ? state.pid : undefined);
      if (state.kind === 'waiting') report(name, state.reason);
    };

    if (postgres !== undefined) {
      const server = keepPostgres(settings.home, postgres, log, onState('postgres'));
      undo.push(() => server.stop());
      await unlessAborted(server.ready, signal);
    }
    await unlessAborted(migrateDatabase(databaseUrl, log), signal);

    terminal.progress('Roles: starting …');
    const { promise: ready, resolve: settleReady } = Promise.withResolvers<void>();
    if (settings.temporalAddress === undefined) {
      const options = { home: config.home, databaseUrl, port: ports.temporal, internalPorts: ports.temporalInternal };
      const rolesFirst = Promise.race([ready, sleep(rolesFirst_ms, undefined, { ref: false })]);
      const namespace = config.temporalNamespace;
      const temporal = keepTemporal({ ...options, namespace }, rolesFirst, terminal, log, onState('temporal'));
      undo.push(() => temporal.stop());
    }
    const roles = startOrder(settings)
      .filter((name) => availableRoles.includes(name))
      .map((name) => supervise(name, async () => launchRole(name, config, script), log, onState(name)));
    undo.push(...roles.map((role) => () => role.stop()));
    void Promise.all(roles.map((role) => role.ready)).then(() => {
      file.setReady();
      settleReady();
    });
    return { config, ready, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Says that a child has ended; of one that ends again and again only now and then, since its log has it all. */
function reportEnds(terminal: Terminal): (name: string, reason: string) => void {
  const saidAt = new Map<string, number>();
  return (name, reason) => {
    const now = performance.now();
    if (now - (saidAt.get(name) ?? -Infinity) < quietFor_ms) return;
    saidAt.set(name, now);
    terminal.line(`${name}: ended (${reason}) and is started again; logs/${name}.log says more.`);
  };
}

/** The promise's outcome, or a rejection as soon as the signal aborts. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
