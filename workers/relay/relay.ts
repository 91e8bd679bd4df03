import type { StoredEvents } from '#infra/event-log/stored-events.ts';
import { keepSessions } from '#infra/kafka/keep-sessions.ts';
import type { RelayState } from '#infra/kafka/relay-state.ts';
import type { TopicSettings } from '#infra/kafka/topics.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { Kafka } from 'kafkajs';
import type { Pool } from 'pg';

import { acquireLease, type Lease } from './lease.ts';
import { relaySession } from './session.ts';

export interface RelayOptions {
  readonly kafka: Kafka;
  readonly source: StoredEvents;
  /** Where relays agree on which one is active. */
  readonly pool: Pool;
  readonly settings: TopicSettings;
  readonly logger: Logger;
}

export interface RunningRelay {
  /** What this process knows: of all relays one is active, the others wait to take over and know nothing of how far that one is. */
  status(): RelayState;
  stop(): Promise<void>;
}

/** What ends waits no longer than this for a broker that does not answer. */
const stopPatience_ms = 4000;

/** Relays the log to Kafka for as long as the process lives; whatever fails is begun anew. */
export function startRelay({ pool, logger, ...parts }: RelayOptions): RunningRelay {
  const stopping = new AbortController();
  const { signal } = stopping;
  let status: RelayState = { active: false, epoch: 0n, position: 0n, problem: null };
  const say = (change: Partial<RelayState>): void => void (status = { ...status, ...change });

  const relay = (lease: Lease, active: AbortSignal): Promise<void> =>
    keepSessions(
      active,
      (goesWell) => {
        const relayed = (position: bigint): void => {
          goesWell();
          say({ position, problem: null });
        };
        return relaySession({ ...parts, lease, signal: active, relayed });
      },
      (problem, error, isNew) => {
        if (isNew) logger.warn({ err: error }, 'relaying was interrupted; beginning again');
        say({ problem });
      },
    );

  const kept = keepSessions(
    signal,
    async (goesWell) => {
      const lease = await acquireLease(pool, () => status, signal);
      goesWell();
      logger.info({ epoch: String(lease.epoch) }, 'this relay is the active one');
      say({ active: true, epoch: lease.epoch });
      try {
        const ending = AbortSignal.any([signal, lease.lost]);
        await Promise.race([relay(lease, ending), patienceAfter(ending)]);
      } finally {
        say({ active: false });
        await lease.release();
      }
      if (!signal.aborted) logger.warn({ epoch: String(lease.epoch) }, 'the lease was lost to another relay');
    },
    (_problem, error) => logger.warn({ err: error }, 'the database is away; asking again for the lease'),
  );

  return {
    status: () => status,
    async stop() {
      stopping.abort();
      await kept;
    },
  };
}

function patienceAfter(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wait = (): unknown => setTimeout(resolve, stopPatience_ms).unref();
    if (signal.aborted) wait();
    else signal.addEventListener('abort', wait, { once: true });
  });
}
