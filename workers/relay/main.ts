import { hostname } from 'node:os';

import type { Config } from '#infra/config/config.ts';
import { openStoredEvents, type StoredEvents } from '#infra/event-log/postgres/stored.ts';
import { patiently } from '#infra/event-log/postgres/transient.ts';
import { kafkaClient } from '#infra/kafka/client.ts';
import type { Logger } from '#infra/logging/log.ts';
import { migrate } from '#infra/postgres/migrate.ts';
import { openObjectStore } from '#infra/object-store/open.ts';
import { createPool } from '#infra/postgres/pool.ts';
import type { Readiness, RunningRole } from '#infra/process/role.ts';

import { startRelay, type RunningRelay } from './relay.ts';

/** A database that starts at the same time as the role, or again, is there by then. */
const databasePatience_ms = 60_000;

/**
 * The role `relay`: the log's events to Kafka. It is ready without Kafka, which may be minutes in coming: the log goes on, and what
 * was recorded meanwhile is relayed when Kafka is there.
 */
export async function startRelayRole(config: Config, logger: Logger): Promise<RunningRole> {
  const { databaseUrl, kafka: settings } = config;
  if (settings === undefined) throw new Error('The role relay needs KAFKA_BROKERS.');
  await patiently(databasePatience_ms, () => migrate(databaseUrl));
  const pool = createPool(databaseUrl, { name: 'miniredis relay', max: 4 });
  const source = openStoredEvents(pool, await openObjectStore(config.objectStoreUrl));
  const relay = startRelay({
    kafka: kafkaClient(settings, 'relay', logger),
    source,
    pool,
    settings,
    owner: `${hostname()}/${process.pid}`,
    logger,
  });
  return {
    readiness: () => readinessOf(relay, source),
    async stop() {
      await relay.stop();
      await source.close();
      await pool.end();
    },
  };
}

async function readinessOf(relay: RunningRelay, source: StoredEvents): Promise<Readiness> {
  const { active, epoch, position, problem } = relay.status();
  const state = { active, epoch: epoch === null ? null : String(epoch), position: String(position), problem };
  // A relay that stands by knows nothing of how far the active one is.
  if (!active) return { ready: true, detail: state };
  const head = await source.head();
  const lag_events = Number(head - position);
  const [oldest] = lag_events > 0 ? await source.read(position, position + 1n, 1) : [];
  const lag_ms = oldest === undefined ? 0 : Math.max(0, Date.now() - Date.parse(oldest.recordedAt));
  return { ready: true, detail: { ...state, lag_events, lag_ms } };
}
