import { readFileSync } from 'node:fs';

import type { KafkaSettings } from '#infra/config/config.ts';
import type { Logger } from '#infra/logging/log.ts';
import { Kafka, logLevel, type KafkaConfig } from 'kafkajs';

import { quietConnections } from './quiet-connections.ts';

/** A request that Kafka refuses for now is made again for a few seconds; whoever waits longer begins anew from what Kafka has. */
const retry = { retries: 4, initialRetryTime: 100, maxRetryTime: 1000 };

/** What the program needs to know to reach Kafka. */
export type KafkaAddress = Pick<KafkaSettings, 'brokers' | 'ssl' | 'sslCaFile' | 'sasl'>;

/**
 * A client of Kafka; nothing is connected before it is used. `name` is the client id that brokers show. What KafkaJS logs goes to
 * the level debug, since what matters of it comes as an error to the caller.
 */
export function kafkaClient({ brokers, ssl, sslCaFile, sasl }: KafkaAddress, name: string, logger: Logger): Kafka {
  quietConnections();
  return new Kafka({
    clientId: `miniredis-${name}`,
    brokers: [...brokers],
    connectionTimeout: 3000,
    retry,
    ssl: sslCaFile === undefined ? ssl : { ca: readFileSync(sslCaFile, 'utf8') },
    // A copy, since KafkaJS writes into it and the configuration is frozen.
    ...(sasl !== undefined && { sasl: { ...sasl } as NonNullable<KafkaConfig['sasl']> }),
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log: { message, error } }) =>
        logger.debug({ kafkajs: namespace, error: error as unknown }, message),
  });
}
