import { setTimeout as sleep } from 'node:timers/promises';

import { ManagerId } from '#domains/kernel/ids.ts';
import type { Config } from '#infra/config/config.ts';
import { masterKeyOf } from '#infra/crypto/master-key.ts';
import { verifyPlatformToken } from '#infra/crypto/platform-token.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import { openEventLog } from '#infra/event-log/open.ts';
import { withTransport } from '#infra/kafka/source/with-transport.ts';
import { openObjectStore } from '#infra/object-store/open.ts';
import type { Logger } from '#infra/logging/log.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { gauges } from '#infra/process/metrics.ts';
import type { RunningRole } from '#infra/process/role.ts';
import type { AuthRequest, AuthResult } from '#workers/resp/engine-api.ts';
import { createThrottle } from '#workers/resp/clients/throttle.ts';
import { createEngine } from '#workers/resp/engine.ts';
import { giveBackWhenIdle } from '#workers/resp/give-back.ts';

import { authenticator } from './auth/authenticate.ts';
import type { EngineStatus, Verdict } from './engines/calls.ts';
import { openEngines } from './engines/engines.ts';
import { followLog } from './following.ts';
import { createAdmission } from './hosting/admission.ts';
import { createReconciler } from './hosting/reconciler.ts';
import { createReporter } from './reports/reporter.ts';

/** How long, at a stop, work on nodes has to end, and then connections and the log. */
const patience_ms = 2500;

/**
 * Starts the manager: it listens, starts the engine processes, which recover their nodes' data from disk, and follows the log as
 * soon as it is there. It rejects when the port is taken; a database that is away is waited for, and so is an engine process that
 * can't read its data.
 */
export async function startNodeManager(config: Config, log: Logger): Promise<RunningRole> {
  const managerId = ManagerId.parse(config.managerId);
  const masterKey = await masterKeyOf(config);
  const pool = createPool(config.databaseUrl, { name: `miniredis ${managerId}` });
  const codec = openCodec(openSubjectKeys(pool, masterKey));
  const objects = await openObjectStore(config.objectStoreUrl);
  const stored = openEventLog(config.eventStoreUrl, { pool, codec, notify: true, objects });
  const eventLog = withTransport(stored, { config, codec, name: managerId, logger: log });
  const throttle = createThrottle();

  let authenticate: (request: AuthRequest) => Promise<Verdict> | Verdict = () => ({
    refusal: 'LOADING MiniRedis is starting; try again in a moment',
  });
  const engines = await openEngines({
    config,
    log,
    authenticate: async (request) => authenticate(request),
    async restored(nodeId) {
      reconciler.changed(nodeId);
      await reconciler.settled(nodeId);
    },
    lost: (nodeId) => reconciler.changed(nodeId),
  }).catch(async (error: unknown) => {
    await Promise.all([eventLog.close(), pool.end()]);
    throw error;
  });
  // Connections are here only until they have logged in.
  const door = createEngine({
    async authenticate(request): Promise<AuthResult> {
      const verdict = await authenticate(request);
      const { ticket } = verdict;
      return ticket === undefined ? verdict : { elsewhere: (departure) => engines.handOver(departure, ticket) };
    },
    limits: { maxClients: 20_000, authTimeoutSeconds: 60 },
  });
  const respPort = await door.listen({ port: config.respPort, host: config.bindHost }).catch(async (error: unknown) => {
    await Promise.all([engines.stop(), eventLog.close(), pool.end()]);
    throw error;
  });

  const reconciler = createReconciler({
    find: (nodeId) => following.find(nodeId),
    host: engines,
    report: createReporter(eventLog, managerId, log),
    log,
  });
  const following = followLog({
    config,
    managerId,
    respPort,
    pool,
    eventLog,
    log,
    changed: (nodeId) => reconciler.changed(nodeId),
  });
  const admission = createAdmission({ engines, find: (nodeId) => following.find(nodeId) });
  authenticate = authenticator(
    {
      ...admission,
      userFits: (nodeId, user, password) => engines.userFits(nodeId, user, password),
      passwordSha256: (nodeId) => following.find(nodeId)?.passwordSha256,
      caughtUp: () => following.caughtUp(),
      isKnown: () => following.known,
      platformNode: (token) => verifyPlatformToken(masterKey, token, new Date())?.nodeId,
    },
    throttle,
  );

  giveBackWhenIdle();

  // A manager that is ready has all nodes open whose data could be read.
  let recovered = false;
  void following.begun
    .then(() => Promise.all([...following.nodes()].map(({ nodeId }) => engines.opened(nodeId))))
    .then(() => (recovered = true));

  return {
    async readiness() {
      const each = await engines.status();
      const sum = (of: (engine: EngineStatus) => number) =>
        each.reduce((all, one) => all + (one === null ? 0 : of(one)), 0);
      return {
        ready: recovered && each.every((engine) => engine?.failure === null),
        detail: {
          managerId,
          respPort,
          nodes: sum(({ nodes }) => nodes),
          connections: sum(({ connections }) => connections),
          failedLogins: throttle.failures,
          engines: each,
          logPosition: following.position === null ? null : Number(following.position),
        },
      };
    },
    async metrics() {
      const each = (await engines.status()).filter((engine) => engine !== null);
      return engineGauges
        .map(([name, help, value]) =>
          gauges(
            `miniredis_engine_${name}`,
            help,
            'pid',
            each.map((engine) => [String(engine.pid), value(engine)] as const),
          ),
        )
        .join('\n');
    },
    async stop() {
      const disconnected = door.close();
      const orders = Promise.all([following.stop(), reconciler.stop()]);
      await within(patience_ms, orders);
      // The tenants' data comes first, whatever becomes of connections and of a log that is away.
      await engines.stop();
      await within(patience_ms, Promise.all([disconnected, orders.then(closeLog)]));
    },
  };

  async function closeLog(): Promise<void> {
    await eventLog.close();
    await pool.end();
  }
}

async function within(time_ms: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, sleep(time_ms, undefined, { ref: false })]);
}

const engineGauges: readonly [name: string, help: string, value: (engine: EngineStatus) => number][] = [
  ['nodes', 'Nodes of an engine process.', ({ nodes }) => nodes],
  ['connections', 'Connections to its nodes.', ({ connections }) => connections],
  ['used_bytes', 'What its nodes hold.', ({ usedBytes }) => usedBytes],
  [
    'throttled_reads',
    'How often clients were kept waiting by the limits of their nodes, since the process started.',
    ({ throttledReads }) => throttledReads,
  ],
];
