import { setTimeout as sleep } from 'node:timers/promises';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { Pool } from 'pg';

import { park, readCheckpoint, readParked, unpark, writeCheckpoint } from './progress.ts';
import { delayAfter, type Reaction } from './reaction.ts';

export interface RunnerContext {
  readonly log: EventLog;
  readonly pool: Pool;
  readonly logger: Logger;
}

/** What a reaction says about itself. */
export interface ReactionStatus {
  position: bigint;
  parkedStreams: number;
  /** The transient failure it waits out right now. */
  waitingFor: string | null;
}

/** So many events without business may be read again after a restart; it spares a write for each batch of them. */
const checkpointEvery = 200n;

/**
 * Runs one reaction from its checkpoint until the signal aborts. Streams that were parked are given another try first: a new
 * start is often a new version. Rejects when the log or the database fails; run it again then.
 */
export async function runReaction(
  reaction: Reaction,
  { log, pool, logger }: RunnerContext,
  status: ReactionStatus,
  signal: AbortSignal,
): Promise<void> {
  const parked = new Set<string>();
  let saved = await readCheckpoint(pool, reaction.name);
  status.position = saved;

  const save = async (position: bigint) => {
    await writeCheckpoint(pool, reaction.name, position);
    saved = position;
  };

  const handle = async (event: RecordedEvent): Promise<void> => {
    const error = await attempt(reaction, event, logger, status, signal);
    if (error === null) return;
    await park(pool, reaction.name, event, error.stack ?? error.message);
    parked.add(event.stream);
    status.parkedStreams = parked.size;
    logger.error(
      { err: error, reaction: reaction.name, stream: event.stream, version: event.version, eventId: event.eventId },
      'a reaction failed for good and its stream is parked: later events of the stream wait until the next start',
    );
  };

  const isOurs = (event: RecordedEvent) => reaction.types.includes(event.type);

  for (const { stream, fromVersion } of await readParked(pool, reaction.name)) {
    for (const event of await log.readStream(stream, { fromVersion, toPosition: saved })) {
      if (isOurs(event) && !parked.has(stream)) await handle(event);
    }
    if (!parked.has(stream)) await unpark(pool, reaction.name, stream);
  }

  const subscription = log.subscribe({
    after: saved,
    filter: { categories: reaction.categories },
    handle: async (batch, upTo) => {
      for (const event of batch) {
        signal.throwIfAborted();
        if (!isOurs(event) || parked.has(event.stream)) continue;
        await handle(event);
        await save(event.position);
      }
      status.position = upTo;
      if (upTo - saved >= checkpointEvery) await save(upTo);
    },
  });
  const stop = () => void subscription.stop();
  signal.addEventListener('abort', stop);
  try {
    if (signal.aborted) stop();
    await subscription.ended;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Null when the effect is there; the error when the policy has run out. Rejects when the signal aborts. */
async function attempt(
  reaction: Reaction,
  event: RecordedEvent,
  logger: Logger,
  status: ReactionStatus,
  signal: AbortSignal,
): Promise<Error | null> {
  for (let failures = 0, waits = 0; ;) {
    signal.throwIfAborted();
    try {
      await reaction.react(event);
      status.waitingFor = null;
      return null;
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      const transient = reaction.isTransient(thrown);
      if (transient) waits += 1;
      else failures += 1;
      if (failures >= reaction.policy.attempts) return error;
      const { message } = error;
      // What is away for minutes, as a server that is being built, gets one line.
      if (status.waitingFor !== message) {
        logger.warn(
          { err: error, reaction: reaction.name, eventId: event.eventId, transient },
          'a reaction is retried',
        );
      }
      status.waitingFor = message;
      await sleep(delayAfter(transient ? waits : failures, reaction.policy), undefined, { signal });
    }
  }
}
