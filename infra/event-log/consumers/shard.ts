import { setTimeout as sleep } from 'node:timers/promises';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { Pool } from 'pg';

import type { EventLog } from '../event-log.ts';
import { backOff, isTransient } from '../postgres/transient.ts';
import { delayAfter, type Consumer, type ConsumerLogger } from './consumer.ts';
import { Fenced, moveCheckpoint, type HeldShard, type Progress } from './leases.ts';
import { moveReplay, park, parkedOfShard, replayFrom, unpark } from './parked.ts';

/** The end of a lease. */
export interface Deadline {
  passed(): boolean;
}

/** Two clocks: one may stand still while the machine sleeps, the other may be set back. */
export function deadlineIn(time_ms: number): Deadline {
  const [monotonic, wall] = [performance.now() + time_ms, Date.now() + time_ms];
  return { passed: () => performance.now() >= monotonic || Date.now() >= wall };
}

/** A shard that this process holds: takes the events of its streams one after the other. */
export interface Shard {
  readonly shard: number;
  readonly epoch: bigint;
  /** Everything up to here has been dealt with. */
  progress(): Progress;
  /** Everything up to here has been taken in; what comes again is passed over. */
  readTo(): bigint;
  /** How many events wait. */
  backlog(): number;
  parkedStreams(): number;
  /** The transient failure it waits out right now. */
  waitingFor(): string | null;
  /** The lease holds until then. */
  renew(until: Deadline): void;
  take(events: readonly RecordedEvent[], upTo: bigint): void;
  /** Delivers a parked stream again, if that is (still) wanted. */
  replay(stream: string): void;
  /** Takes no further event; resolves when the effect in hand has ended. */
  stop(): Promise<void>;
  /** Resolves when it has stopped, or was fenced, or failed. */
  readonly ended: Promise<void>;
}

export interface ShardParts {
  readonly consumer: Consumer;
  readonly log: Pick<EventLog, 'readStream'>;
  readonly pool: Pool;
  readonly logger: ConsumerLogger;
  /** Called when the backlog has become shorter. */
  readonly advanced: () => void;
}

/** What fails for no reason that it knows of is not begun again at once. */
const failurePause_ms = 1000;

/** So many events of a parked stream are read at once. */
const replayBatch = 100;

interface Replay {
  readonly stream: string;
  /** The next version to deliver; null when it has not begun. */
  version: number | null;
  events: RecordedEvent[];
}

/** Starts on a shard that was just claimed, from its checkpoint on. */
export function startShard(parts: ShardParts, held: HeldShard, lease: Deadline): Shard {
  const { consumer, log, pool, logger } = parts;
  const { shard, epoch } = held;
  const group = consumer.name;
  const stopping = new AbortController();
  const { signal } = stopping;
  const queue: RecordedEvent[] = [];
  const replays: Replay[] = [];
  let parked = new Set<string>();
  let until = lease;
  let readTo = held.position;
  let seen = held.position;
  let waitingFor: string | null = null;
  let wake = (): void => {};

  /** Resolves at the next sign of news: events, a replay, a lease, a stop. */
  function news(): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve;
    });
  }

  async function run(): Promise<void> {
    parked = await persist(() => parkedOfShard(pool, group, shard));
    while (!signal.aborted) {
      const event = queue.shift();
      if (event !== undefined) {
        await takeOn(event);
        parts.advanced();
      }
      const replay = replays[0];
      if (replay !== undefined) await replayNext(replay);
      if (event === undefined && replay === undefined) {
        seen = readTo;
        await news();
      }
    }
  }

  async function takeOn(event: RecordedEvent): Promise<void> {
    if (parked.has(event.stream)) {
      seen = event.position;
      return;
    }
    await deliver(event);
    // Only now: the place after an event that is still in hand must not be saved by anybody.
    seen = event.position;
    await persist(() => moveCheckpoint(pool, group, { shard, epoch, position: event.position }));
  }

  /** One event of a parked stream. What comes in meanwhile is set aside, and found when all before it was delivered. */
  async function replayNext(replay: Replay): Promise<void> {
    const { stream } = replay;
    replay.version ??= await persist(() => replayFrom(pool, group, stream));
    if (replay.version === null) {
      replays.shift();
      return;
    }
    if (replay.events.length === 0) {
      const range = { fromVersion: replay.version, toPosition: queue.length === 0 ? readTo : seen, limit: replayBatch };
      replay.events = await persist(() => log.readStream(stream, range));
    }
    const event = replay.events.shift();
    if (event === undefined) {
      await persist(() => unpark(pool, group, held, stream, seen));
      parked.delete(stream);
      replays.shift();
      logger.info({ group, stream }, 'a parked stream has caught up');
      return;
    }
    if (consumer.types.includes(event.type)) {
      if (!(await deliver(event))) {
        replays.shift();
        return;
      }
      await persist(() => moveReplay(pool, group, held, stream, event.version + 1));
    }
    replay.version = event.version + 1;
  }

  /** True when the effect is there; false when the policy has run out and the stream is parked. */
  async function deliver(event: RecordedEvent): Promise<boolean> {
    const { policy } = consumer;
    for (let failures = 0, waits = 0; ;) {
      await leased();
      try {
        await consumer.handle(event, { group, shard, epoch });
        waitingFor = null;
        return true;
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        const transient = consumer.isTransient(thrown);
        if (transient) waits += 1;
        else failures += 1;
        if (failures >= policy.attempts) {
          await setAside(event, error, failures);
          return false;
        }
        note(error, event, transient);
        await sleep(delayAfter(transient ? waits : failures, policy), undefined, { signal });
      }
    }
  }

  async function setAside(event: RecordedEvent, error: Error, attempts: number): Promise<void> {
    await persist(() => park(pool, group, held, event, { error: error.stack ?? error.message, attempts }));
    parked.add(event.stream);
    waitingFor = null;
    const { stream, version, eventId } = event;
    logger.error(
      { err: error, group, stream, version, eventId },
      'an effect failed for good and its stream is parked; see npm run log -- parked show',
    );
  }

  /** What is away for minutes, as a server that is being built, gets one line. */
  function note(error: Error, { eventId }: RecordedEvent, transient: boolean): void {
    if (waitingFor !== error.message) logger.warn({ err: error, group, eventId, transient }, 'an effect is retried');
    waitingFor = error.message;
  }

  /** Resolves while the lease holds: after it, somebody else may be at the same events. */
  async function leased(): Promise<void> {
    signal.throwIfAborted();
    while (until.passed()) {
      await news();
      signal.throwIfAborted();
    }
  }

  /** Asks PostgreSQL until it answers. */
  async function persist<Result>(statement: () => Promise<Result>): Promise<Result> {
    for (let retry = 1; ; retry += 1) {
      signal.throwIfAborted();
      try {
        return await statement();
      } catch (error) {
        if (!isTransient(error)) throw error;
        await backOff(retry, signal);
      }
    }
  }

  const ended = run()
    .catch(async (error: unknown) => {
      if (signal.aborted) return;
      if (error instanceof Fenced) {
        logger.warn({ group, shard, epoch: String(epoch) }, 'a stalled owner was fenced off');
        return;
      }
      logger.error({ err: error, group, shard }, 'a shard failed; it begins again from its checkpoint');
      await sleep(failurePause_ms, undefined, { signal }).catch(() => {});
    })
    .finally(() => {
      stopping.abort();
      parts.advanced();
    });

  return {
    shard,
    epoch,
    progress: () => ({ shard, epoch, position: seen }),
    readTo: () => readTo,
    backlog: () => (signal.aborted ? 0 : queue.length),
    parkedStreams: () => parked.size,
    waitingFor: () => waitingFor,
    renew(deadline) {
      until = deadline;
      wake();
    },
    take(events, upTo) {
      if (signal.aborted) return;
      for (const event of events) if (event.position > readTo) queue.push(event);
      if (upTo > readTo) readTo = upTo;
      wake();
    },
    replay(stream) {
      if (replays.some((replay) => replay.stream === stream)) return;
      replays.push({ stream, version: null, events: [] });
      wake();
    },
    async stop() {
      stopping.abort();
      wake();
      await ended;
    },
    ended,
  };
}
