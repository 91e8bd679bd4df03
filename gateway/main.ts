import { mkdir } from 'node:fs/promises';

import type { Config } from '#infra/config/config.ts';
import { masterKeyOf } from '#infra/crypto/master-key.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import { openEventLog } from '#infra/event-log/open.ts';
import { kafkaClient } from '#infra/kafka/client.ts';
import { openObjectStore } from '#infra/object-store/open.ts';
import type { Logger } from '#infra/logging/log.ts';
import { migrate } from '#infra/postgres/migrate.ts';
import { createPool } from '#infra/postgres/pool.ts';
import type { Readiness, RunningRole } from '#infra/process/role.ts';
import { readHeadFrom } from '#projections/kernel/consistency.ts';

import { createApp } from './app.ts';
import { bootstrap } from './bootstrap.ts';
import { usualPatience, type GatewayDependencies } from './dependencies.ts';
import { openNodeConnections } from './exec/node-connections.ts';
import { takeCommands } from './kafka-commands/consumer.ts';
import { managerLoads } from './manager-loads.ts';
import { createPlacements } from './placement.ts';
import { openLogFeed } from './streams/log-feed.ts';

/** Requests in flight get this long to end; what is left then is cut off. */
const drain_ms = 9000;

/** Starts the gateway: the composition root of the HTTP interface. Rejects when it can't start. */
export async function startRole(_name: string, config: Config, logger: Logger): Promise<RunningRole> {
  await mkdir(config.home, { recursive: true });
  await migrate(config.databaseUrl);
  const masterKey = await masterKeyOf(config);
  const writing = createPool(withTimeouts(config.databaseUrl), { max: 12, name: 'gateway-log' });
  const reading = createPool(withTimeouts(config.databaseUrl), { max: 12, name: 'gateway-views' });
  const log = openEventLog(config.eventStoreUrl, {
    pool: writing,
    codec: openCodec(openSubjectKeys(writing, masterKey)),
    notify: true,
    objects: await openObjectStore(config.objectStoreUrl),
  });
  readHeadFrom(reading, config.eventStoreUrl === undefined ? undefined : log);
  const { home, respPort } = config;
  await bootstrap({ log, logger, home, respPort, gatewayUrl: `http://${config.publicHost}:${config.gatewayPort}` });

  const feed = await openLogFeed(log);
  const nodes = openNodeConnections(masterKey);
  const dependencies: GatewayDependencies = {
    log,
    pool: reading,
    masterKey,
    feed,
    nodes,
    placements: createPlacements((upToDate) => managerLoads(reading, upToDate), config.nodeMemory.overcommit),
    logger,
    endpoint: { host: config.publicHost, port: config.respPort },
    rateLimits: config.rateLimits,
    patience: usualPatience,
  };
  const { app } = await createApp(dependencies);
  await app.listen({ host: config.bindHost, port: config.gatewayPort });
  const { kafka: settings } = config;
  const commands =
    settings === undefined
      ? null
      : takeCommands({ kafka: kafkaClient(settings, 'commands', logger), settings, app, deps: dependencies });

  let failure: Error | undefined;
  feed.ended.catch((error: Error) => {
    failure = error;
    logger.error({ err: error }, 'the gateway no longer hears of new events');
  });
  return {
    async readiness(): Promise<Readiness> {
      if (failure !== undefined) return { ready: false, detail: { feed: failure.message } };
      const detail = { head: (await log.head()).toString() };
      return { ready: true, detail: commands === null ? detail : { ...detail, kafkaCommands: commands.status() } };
    },
    async stop() {
      const cut = setTimeout(() => app.server.closeAllConnections(), drain_ms);
      await commands?.stop();
      await app.close();
      clearTimeout(cut);
      await feed.stop();
      nodes.close();
      await log.close();
      await Promise.all([writing.end(), reading.end()]);
    },
  };
}

/** No statement of a request outlives the request by much. */
function withTimeouts(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set('statement_timeout', '10000');
  url.searchParams.set('query_timeout', '12000');
  return url.href;
}
