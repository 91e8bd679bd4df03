import type { Codec } from '#infra/event-log/codec.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { openStoredEvents } from '#infra/event-log/open.ts';
import { withTransport } from '#infra/kafka/source/with-transport.ts';
import { startRelay } from '#workers/relay/relay.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe } from 'vitest';

import { clientOf, deleteTopics, settingsOf, startKafka, type Kafka } from './kafka.ts';

/** How events come to those who follow a log under test: from the log itself, or by way of Kafka. */
export interface Transport {
  /** The log with its subscriptions by this way. */
  following(log: EventLog, codec: Codec): EventLog;
  /** Ends it; another log may be relayed then. */
  close(): Promise<void>;
}

let kafka: Kafka | null = null;

/** Runs suites that other test files run too, with every log in them followed by way of a broker of this file's own. */
export function overKafka(suites: Readonly<Record<string, () => Promise<unknown>>>): void {
  beforeAll(async () => void (kafka = await startKafka()));
  afterAll(async () => {
    await kafka?.close();
    kafka = null;
  });
  for (const [name, suite] of Object.entries(suites)) describe(name, async () => void (await suite()));
}

/** Variables that have the roles of a platform follow its log as this test file does; `openTransport` does the rest. */
export function transportVariables(): Record<string, string> {
  return kafka === null ? {} : { KAFKA_BROKERS: kafka.brokers, STREAM_TRANSPORT: 'kafka' };
}

/**
 * Relays the log of a database, or the one in EventStoreDB that it belongs to, where this test file follows by way of Kafka; else
 * there is nothing to do.
 */
export function openTransport(pool: Pool, eventStoreUrl?: string): Transport {
  if (kafka === null) return { following: (log) => log, close: () => Promise.resolve() };
  const logger = pino({ level: 'silent' });
  const [client, settings] = [clientOf(kafka), settingsOf(kafka)];
  const source = openStoredEvents(eventStoreUrl, { pool });
  const relay = startRelay({ kafka: client, source, pool, settings, logger });
  const config = { kafka: settings, streamTransport: 'kafka' } as const;
  return {
    following: (log, codec) => withTransport(log, { config, codec, name: 'test', logger }),
    async close() {
      await relay.stop();
      await source.close();
      await deleteTopics(client);
    },
  };
}
