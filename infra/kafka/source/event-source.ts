import { categoryOf, type RecordedEvent } from '#domains/kernel/envelope.ts';
import type { Codec, StoredEvent } from '#infra/event-log/codec.ts';
import type { EventLog, ReadFilter, Subscription } from '#infra/event-log/event-log.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { Kafka } from 'kafkajs';

import { keepSessions } from '../keep-sessions.ts';
import { ensureWatermarksTopic, eventTopic, type TopicSettings } from '../topics.ts';
import { Anew, openSession, type SourceSession } from './session.ts';
import { findStarts } from './starts.ts';

export interface KafkaSourceOptions {
  readonly kafka: Kafka;
  readonly settings: TopicSettings;
  readonly codec: Codec;
  /** The log that is relayed: it tells the time of the position that a subscription begins after. */
  readonly log: Pick<EventLog, 'readAll'>;
  /** Names the groups that read. */
  readonly name: string;
  readonly logger: Logger;
}

type SubscribeOptions = Parameters<EventLog['subscribe']>[0];

/**
 * What `EventLog.subscribe` does, by way of Kafka: every event once, in the one order of the log, from a position on. Brokers that are
 * away, groups that are gathered anew and topics that come to be are met by reading on from where it was. Rejects, as there, when the
 * handler throws.
 */
export function kafkaSource(options: KafkaSourceOptions): Pick<EventLog, 'subscribe'> {
  return {
    subscribe(what): Subscription {
      const stopping = new AbortController();
      const ended = follow(options, what, stopping.signal);
      ended.catch(() => {});
      return {
        ended,
        async stop() {
          stopping.abort();
          await ended.catch(() => {});
        },
      };
    },
  };
}

/** A handler's failure, told from those of Kafka. */
class Halted extends Error {
  override readonly name = 'Halted';
}

async function follow(options: KafkaSourceOptions, what: SubscribeOptions, signal: AbortSignal): Promise<void> {
  const { logger, name: source } = options;
  let { after } = what;
  await keepSessions(
    signal,
    (goesWell) => {
      const handled = (upTo: bigint): void => {
        after = upTo;
        goesWell();
      };
      return followOnce(options, { ...what, after }, handled, signal);
    },
    (problem, error, isNew) => {
      if (error instanceof Halted) throw error.cause;
      if (error instanceof Anew) logger.info({ source, reason: problem }, 'reading from Kafka begins anew');
      else if (isNew) logger.warn({ err: error, source }, 'reading from Kafka begins anew');
    },
  );
}

/** From a position until the first failure, or the signal. */
async function followOnce(
  { kafka, settings, codec, log, name }: KafkaSourceOptions,
  { after, filter = {}, batchSize = 500, handle }: SubscribeOptions,
  handled: (upTo: bigint) => void,
  signal: AbortSignal,
): Promise<void> {
  const { categories } = filter;
  const topics = categories === undefined ? null : new Set(categories.map(eventTopic));
  const admin = kafka.admin();
  let session: SourceSession;
  try {
    await admin.connect();
    await ensureWatermarksTopic(admin, settings);
    const starts = await findStarts(admin, after, categories, (position) => timeOf(log, position));
    if (signal.aborted) return;
    session = await openSession(kafka, name, after, starts, (topic) => topics?.has(topic) ?? true);
  } finally {
    await admin.disconnect().catch(() => {});
  }
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  try {
    for (let reached = after; !signal.aborted;) {
      const { items, upTo } = session.merge.take(batchSize);
      session.taken();
      if (upTo === reached) {
        await Promise.race([session.news(), aborted]);
        continue;
      }
      const events = await codec.decode(items.filter((event) => passes(event, filter)));
      if (signal.aborted) return;
      await handOver(handle, events, upTo);
      reached = upTo;
      handled(upTo);
    }
  } finally {
    await session.close();
  }
}

async function handOver(handle: SubscribeOptions['handle'], events: RecordedEvent[], upTo: bigint): Promise<void> {
  try {
    await handle(events, upTo);
  } catch (error) {
    throw new Halted('The handler failed.', { cause: error });
  }
}

/** A topic may hold more than one category, where their names differ in what Kafka does not allow. */
function passes({ stream, type, metadata }: StoredEvent, { categories, types, tenantId }: ReadFilter): boolean {
  return (
    (categories?.includes(categoryOf(stream)) ?? true) &&
    (types?.includes(type) ?? true) &&
    (tenantId === undefined || tenantId === metadata.tenantId)
  );
}

async function timeOf(log: Pick<EventLog, 'readAll'>, position: bigint): Promise<Date | null> {
  for await (const [event] of log.readAll({ after: position - 1n, to: position })) {
    if (event !== undefined) return new Date(event.recordedAt);
  }
  return null;
}
