import type { Config } from '#infra/config/config.ts';
import { openStoredEvents } from '#infra/event-log/open.ts';
import { patiently } from '#infra/event-log/postgres/transient.ts';
import type { StoredEvents } from '#infra/event-log/stored-events.ts';
import { kafkaClient } from '#infra/kafka/client.ts';
import { readRelayState, relayMetrics } from '#infra/kafka/relay-state.ts';
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
  const { databaseUrl, eventStoreUrl, kafka: settings } = config;
  if (settings === undefined) throw new Error('The role relay needs KAFKA_BROKERS.');
  await patiently(databasePatience_ms, () => migrate(databaseUrl));
  const pool = createPool(databaseUrl, { name: 'miniredis relay', max: 4 });
  const source = openStoredEvents(eventStoreUrl, { pool, objects: await openObjectStore(config.objectStoreUrl) });
  const relay = startRelay({
    kafka: kafkaClient(settings, 'relay', logger),
    source,
    pool,
    settings,
    logger,
  });
  return {
    readiness: () => readinessOf(relay, source),
    async metrics() {
      const own = relay.status();
      // The active one tells of itself as it is now; one that stands by, what that one has said.
      const [head, shown] = await Promise.all([source.head(), own.active ? own : readRelayState(pool)]);
      return shown === null ? '' : relayMetrics(head, shown);
    },
    async stop() {
      await relay.stop();
      await source.close();
      await pool.end();
    },
  };
}

/** With EventStoreDB, whose positions have gaps, `lag_events` is how far they are apart. */
async function readinessOf(relay: RunningRelay, source: StoredEvents): Promise<Readiness> {
  const { active, epoch, position, problem } = relay.status();
  if (!active) return { ready: true, detail: { active, problem } };
  const state = { active, epoch: String(epoch), position: String(position), problem };
  const head = await source.head();
  const lag =
    head > position ? { lag_events: Number(head - position), lag_ms: await ageAfter(source, position) } : none;
  return { ready: true, detail: { ...state, ...lag } };
}

const none = { lag_events: 0, lag_ms: 0 };

/** How long ago the first event after a position was recorded. */
async function ageAfter(source: StoredEvents, position: bigint): Promise<number> {
  const found = new AbortController();
  for await (const [first] of source.follow({ after: position, batchSize: 1, signal: found.signal })) {
    found.abort();
    if (first !== undefined) return Math.max(0, Date.now() - Date.parse(first.recordedAt));
  }
  return 0;
}
