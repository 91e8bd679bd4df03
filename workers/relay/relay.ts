import type { StoredEvents } from '#infra/event-log/postgres/stored.ts';
import { backOff } from '#infra/event-log/postgres/transient.ts';
import type { TopicSettings } from '#infra/kafka/topics.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { Kafka } from 'kafkajs';
import type { Pool } from 'pg';

import { acquireLease, type Lease } from './lease.ts';
import { relaySession } from './session.ts';

export interface RelayOptions {
  readonly kafka: Kafka;
  readonly source: StoredEvents;
  readonly pool: Pool;
  readonly settings: TopicSettings;
  /** Names this process in the lease. */
  readonly owner: string;
  readonly logger: Logger;
}

interface RelayStatus {
  /** Of all relays one is active; the others wait to take over. */
  readonly active: boolean;
  readonly epoch: bigint | null;
  /** Every event up to here has been acknowledged by Kafka, as far as this process knows. */
  readonly position: bigint;
  /** Why nothing is relayed right now, such as a broker that is away. */
  readonly problem: string | null;
}

export interface RunningRelay {
  status(): RelayStatus;
  stop(): Promise<void>;
}

/** What ends waits no longer than this for a broker that does not answer. */
const stopPatience_ms = 4000;

/** Relays the log to Kafka for as long as the process lives; whatever fails is begun anew. */
export function startRelay({ pool, owner, logger, ...parts }: RelayOptions): RunningRelay {
  const stopping = new AbortController();
  const { signal } = stopping;
  let status: RelayStatus = { active: false, epoch: null, position: 0n, problem: null };
  const say = (change: Partial<RelayStatus>): void => void (status = { ...status, ...change });

  const whileActive = async (lease: Lease, active: AbortSignal): Promise<void> => {
    for (let retry = 1; lease.holds() && !active.aborted; retry += 1) {
      try {
        const relayed = (position: bigint): void => {
          retry = 1;
          say({ position, problem: null });
        };
        await relaySession({ ...parts, lease, signal: active, relayed });
      } catch (error) {
        if (active.aborted) return;
        const problem = error instanceof Error ? error.message : String(error);
        if (problem !== status.problem) logger.warn({ err: error }, 'relaying was interrupted; beginning again');
        say({ problem });
        await backOff(retry, active).catch(() => {});
      }
    }
  };

  const keep = async (): Promise<void> => {
    for (let retry = 1; !signal.aborted; retry += 1) {
      try {
        const lease = await acquireLease(pool, owner, () => status, signal);
        retry = 1;
        logger.info({ epoch: String(lease.epoch) }, 'this relay is the active one');
        say({ active: true, epoch: lease.epoch });
        try {
          const ending = AbortSignal.any([signal, lease.lost]);
          await Promise.race([whileActive(lease, ending), patienceAfter(ending)]);
        } finally {
          say({ active: false });
          await lease.release();
        }
        if (!signal.aborted) logger.warn({ epoch: String(lease.epoch) }, 'the lease was lost to another relay');
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ err: error }, 'the database is away; asking again for the lease');
        await backOff(retry, signal).catch(() => {});
      }
    }
  };
  const kept = keep();

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
