import type { Config } from '#infra/config/config.ts';
import type { Codec } from '#infra/event-log/codec.ts';
import type { EventLog, Subscription } from '#infra/event-log/event-log.ts';
import type { Logger } from '#infra/logging/log.ts';

import { kafkaClient } from '../client.ts';
import { kafkaSource } from './event-source.ts';

export interface TransportOptions {
  readonly config: Pick<Config, 'kafka' | 'streamTransport'>;
  readonly codec: Codec;
  /** Names the reader in Kafka. */
  readonly name: string;
  readonly logger: Logger;
}

/** The log with its subscriptions by way of what `STREAM_TRANSPORT` names. Appends and reads are the log's own in any case. */
export function withTransport(log: EventLog, { config, codec, name, logger }: TransportOptions): EventLog {
  const { kafka: settings, streamTransport } = config;
  if (streamTransport === 'postgres' || settings === undefined) return log;
  const source = kafkaSource({ kafka: kafkaClient(settings, name, logger), settings, codec, log, name, logger });
  const subscriptions = new Set<Subscription>();
  return {
    ...log,
    subscribe(options) {
      const subscription = source.subscribe(options);
      subscriptions.add(subscription);
      const forget = () => subscriptions.delete(subscription);
      subscription.ended.then(forget, forget);
      return subscription;
    },
    async close() {
      await Promise.all([...subscriptions].map((subscription) => subscription.stop()));
      await log.close();
    },
  };
}
