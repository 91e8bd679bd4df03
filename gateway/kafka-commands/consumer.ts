import { setTimeout as sleep } from 'node:timers/promises';

import { keepSessions } from '#infra/kafka/keep-sessions.ts';
import { commandsTopic, ensureCommandTopics, type TopicSettings } from '#infra/kafka/topics.ts';
import type { FastifyInstance } from 'fastify';
import { Partitioners, type EachMessagePayload, type Kafka } from 'kafkajs';

import type { GatewayDependencies } from '../dependencies.ts';
import { handleCommand } from './handle-command.ts';
import { publishOutcome } from './outcome.ts';

export interface CommandConsumerOptions {
  readonly kafka: Kafka;
  readonly settings: TopicSettings;
  readonly app: FastifyInstance;
  readonly deps: Pick<GatewayDependencies, 'log' | 'masterKey' | 'logger'>;
}

export interface CommandConsumer {
  /** `ok`, or why no commands are taken right now. */
  status(): string;
  /** Ends after the commands in hand. */
  stop(): Promise<void>;
}

/** All gateways are of one group, so that each command comes to one of them. */
const groupId = 'miniredis-commands';
const partitionsAtOnce = 4;
const tryAgainAfter_ms = 500;

/**
 * Takes commands from Kafka for as long as the process lives. A command counts as taken when its outcome is in Kafka; until then it
 * is delivered again, and its id makes that harmless.
 */
export function takeCommands(options: CommandConsumerOptions): CommandConsumer {
  const stopping = new AbortController();
  const { signal } = stopping;
  let status = 'connecting';

  const kept = keepSessions(
    signal,
    (goesWell) =>
      session(options, signal, () => {
        status = 'ok';
        goesWell();
      }),
    (problem, error, isNew) => {
      if (isNew) options.deps.logger.warn({ err: error }, 'commands from Kafka were interrupted');
      status = problem;
    },
  );
  return {
    status: () => status,
    async stop() {
      stopping.abort();
      await kept;
    },
  };
}

/** From connecting to the first failure that KafkaJS does not mend by itself, or the signal. */
async function session(
  { kafka, settings, app, deps }: CommandConsumerOptions,
  signal: AbortSignal,
  running: () => void,
): Promise<void> {
  const admin = kafka.admin();
  const producer = kafka.producer({ idempotent: true, createPartitioner: Partitioners.DefaultPartitioner });
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: 500 });
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  ended.catch(() => {});
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => void (restart || reject(error)));
  consumer.on(consumer.events.GROUP_JOIN, running);
  const end = (): void => resolve();
  signal.addEventListener('abort', end, { once: true });

  const take = async (payload: EachMessagePayload): Promise<void> => {
    const { topic, partition, message } = payload;
    const place = `${topic}/${partition}/${message.offset}`;
    for (;;) {
      if (signal.aborted) throw new Error('The gateway stops.');
      const outcome = await handleCommand(app, deps, { place, record: message });
      if (outcome !== null) return publishOutcome(producer, outcome);
      // The log is away, say. The order of the partition is kept, and the group knows that somebody is at it.
      await payload.heartbeat();
      await sleep(tryAgainAfter_ms, undefined, { signal }).catch(() => {});
    }
  };

  try {
    await admin.connect();
    await ensureCommandTopics(admin, settings);
    await producer.connect();
    await consumer.connect();
    await consumer.subscribe({ topics: [commandsTopic], fromBeginning: true });
    if (signal.aborted) return;
    await consumer.run({ partitionsConsumedConcurrently: partitionsAtOnce, eachMessage: take });
    await ended;
  } finally {
    signal.removeEventListener('abort', end);
    await consumer.disconnect().catch(() => {});
    await Promise.all([producer.disconnect().catch(() => {}), admin.disconnect().catch(() => {})]);
  }
}
