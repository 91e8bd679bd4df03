import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ManagerId, type NodeId } from '#domains/kernel/ids.ts';
import type { Config } from '#infra/config/config.ts';
import { loadMasterKey } from '#infra/crypto/master-key.ts';
import { verifyPlatformToken } from '#infra/crypto/platform-token.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-log/codec.ts';
import { openPostgresEventLog } from '#infra/event-log/postgres/log.ts';
import type { Logger } from '#infra/logging/log.ts';
import { openObjectStore } from '#infra/object-store/open.ts';
import { createPool } from '#infra/postgres/pool.ts';
import type { RunningRole } from '#infra/process/role.ts';
import type { AuthRequest, AuthResult } from '#workers/resp/engine-api.ts';
import { createEngine } from '#workers/resp/engine.ts';
import { rdbCodec } from '#workers/resp/persistence/codec.ts';

import { authenticator } from './auth/authenticate.ts';
import { createThrottle } from '#workers/resp/clients/throttle.ts';
import { followLog } from './following.ts';
import { createAdmission } from './hosting/admission.ts';
import { hostNodes } from './hosting/hosted-nodes.ts';
import { guardMemory } from './hosting/memory-guard.ts';
import { createReconciler } from './hosting/reconciler.ts';
import { openStorage } from './hosting/storage.ts';
import { platformCommands } from './platform/commands.ts';
import { createReporter } from './reports/reporter.ts';

/** How long, at a stop, work on nodes has to end, and then connections and the log. */
const patience_ms = 2500;

/**
 * Starts the manager: it listens, recovers its nodes' data from disk, and follows the log as soon as it is there. It
 * rejects when the port is taken or the data can't be read; a database that is away is waited for.
 */
export async function startNodeManager(config: Config, log: Logger): Promise<RunningRole> {
  const managerId = ManagerId.parse(config.managerId);
  const masterKey = await loadMasterKey(config.masterKeyFile);
  const store = await openObjectStore(config.objectStoreUrl);
  const pool = createPool(config.databaseUrl, { name: `miniredis ${managerId}` });
  const eventLog = openPostgresEventLog({ pool, codec: openCodec(openSubjectKeys(pool, masterKey)), notify: true });
  const throttle = createThrottle();

  let authenticate: (request: AuthRequest) => Promise<AuthResult> | AuthResult = () => ({
    refusal: 'LOADING MiniRedis is starting; try again in a moment',
  });
  const engine = createEngine({
    authenticate: (request) => authenticate(request),
    codec: rdbCodec,
    // A reader that takes nothing of its replies may hold up as much
    // of the memory that all share as the largest of values takes, and no more.
    limits: { outputBufferBytesMax: 513 * 2 ** 20 },
    extraCommands: [
      platformCommands({
        store,
        log,
        isOpen: (node) => hosted.find(node.id as NodeId) === node,
        async replace(node, loaded) {
          await hosted.restore(node, loaded);
          reconciler.changed(node.id as NodeId);
          // Whoever asked for the restore finds the node running.
          await reconciler.settled(node.id as NodeId);
        },
      }),
    ],
  });
  const storage = await openStorage(engine, path.join(config.home, 'nodes', managerId), log);
  const hosted = hostNodes(engine, storage);
  const unguard = guardMemory(engine, () => hosted.usedBytes, config.nodeMemory.budget_mb * 2 ** 20, log);
  const respPort = await engine
    .listen({ port: config.respPort, host: config.bindHost })
    .catch(async (error: unknown) => {
      await Promise.all([storage.shut(), eventLog.close(), pool.end()]);
      throw error;
    });

  const reconciler = createReconciler({
    find: (nodeId) => following.find(nodeId),
    host: hosted,
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
  const admission = createAdmission({ engine, hosted, find: (nodeId) => following.find(nodeId) });
  authenticate = authenticator(
    {
      ...admission,
      userFits: (node, user, password) => engine.userFits(node, user, password),
      passwordSha256: (nodeId) => following.find(nodeId)?.passwordSha256,
      caughtUp: () => following.caughtUp(),
      isKnown: () => following.known,
      platformNode: (token) => verifyPlatformToken(masterKey, token, new Date())?.nodeId,
    },
    throttle,
  );

  // A manager that is ready has all nodes open whose data could be read.
  let recovered = false;
  void following.begun
    .then(() => Promise.all([...following.nodes()].map(({ nodeId }) => hosted.opened(nodeId))))
    .then(() => (recovered = true));

  return {
    readiness: async () => ({
      ready: recovered && storage.failure === undefined,
      detail: {
        managerId,
        respPort,
        nodes: hosted.count,
        connections: hosted.connections,
        failedLogins: throttle.failures,
        writeAheadLog: storage.status(),
        logPosition: following.position === null ? null : Number(following.position),
      },
    }),
    async stop() {
      unguard();
      const disconnected = engine.close();
      const orders = Promise.all([following.stop(), reconciler.stop()]);
      await within(patience_ms, orders);
      // The tenants' data comes first, whatever becomes of connections and of a log that is away.
      await storage.shut();
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
