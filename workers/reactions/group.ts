import { setTimeout as sleep } from 'node:timers/promises';

import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Logger } from '#infra/logging/log.ts';
import { Client, type Pool } from 'pg';

import type { Reaction } from './reaction.ts';
import { runReaction, type ReactionStatus } from './runner.ts';

export interface ReactionGroupOptions {
  /** Of all processes that run the group, one at a time is active. */
  readonly group: string;
  readonly reactions: readonly Reaction[];
  readonly log: EventLog;
  readonly pool: Pool;
  readonly databaseUrl: string;
  readonly logger: Logger;
}

export interface RunningReactions {
  /** Whether this process is the active one, and how each reaction fares. */
  status(): { readonly active: boolean; readonly reactions: Readonly<Record<string, ShownStatus>> };
  /** Stops after the effects in hand. */
  stop(): Promise<void>;
}

/** As it can be written as JSON. */
type ShownStatus = Omit<ReactionStatus, 'position'> & { readonly position: string };

const takeOverEvery_ms = 1000;
const retryAfter_ms = 1000;

/**
 * Runs reactions for as long as the process lives, while no other process does: ownership is a lock that PostgreSQL lets go
 * of with its owner's connection. Whatever fails, such as a PostgreSQL that starts again, is begun anew from the checkpoints.
 */
export function startReactions(options: ReactionGroupOptions): RunningReactions {
  const { group, logger } = options;
  const stopping = new AbortController();
  const statuses = new Map<string, ReactionStatus>(
    options.reactions.map(({ name }) => [name, { position: 0n, parkedStreams: 0, waitingFor: null }]),
  );
  let active = false;

  const keep = async (): Promise<void> => {
    let problem: string | null = null;
    while (!stopping.signal.aborted) {
      try {
        await whileOwner(options, stopping.signal, async (owned) => {
          active = true;
          problem = null;
          logger.info({ group }, 'reacting to events');
          await runAll(options, statuses, owned);
        });
      } catch (error) {
        if (stopping.signal.aborted) break;
        const message = error instanceof Error ? error.message : String(error);
        if (message !== problem) logger.warn({ err: error, group }, 'reactions were interrupted; beginning again');
        problem = message;
      } finally {
        active = false;
      }
      await sleep(retryAfter_ms, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const kept = options.reactions.length === 0 ? Promise.resolve() : keep();

  return {
    status: () => {
      const shown = [...statuses].map(([name, status]) => [name, { ...status, position: String(status.position) }]);
      return { active, reactions: Object.fromEntries(shown) as Record<string, ShownStatus> };
    },
    stop: async () => {
      stopping.abort();
      await kept;
    },
  };
}

/** Runs all side by side; when one fails the others are stopped too, and the first failure is thrown. */
async function runAll(
  { reactions, log, pool, logger }: ReactionGroupOptions,
  statuses: ReadonlyMap<string, ReactionStatus>,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const runs = reactions.map(async (reaction) => {
    const status = statuses.get(reaction.name);
    if (status === undefined) return;
    try {
      await runReaction(reaction, { log, pool, logger }, status, either);
    } finally {
      failed.abort();
    }
  });
  const results = await Promise.allSettled(runs);
  // Those that were only stopped because of the first failure say no more than that.
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const first = reasons.find((reason) => !(reason instanceof Error && reason.name === 'AbortError'));
  if (first !== undefined && !signal.aborted) throw first;
}

/** Waits for the group's lock, then works under a signal that aborts when the lock may be lost. */
async function whileOwner(
  { group, databaseUrl }: ReactionGroupOptions,
  stopping: AbortSignal,
  work: (owned: AbortSignal) => Promise<void>,
): Promise<void> {
  const lost = new AbortController();
  const client = new Client({
    connectionString: databaseUrl,
    application_name: `miniredis reactions ${group}`,
    keepAlive: true,
    connectionTimeoutMillis: 5000,
  });
  client.on('error', () => lost.abort());
  client.on('end', () => lost.abort());
  try {
    await client.connect();
    while (!(await tryLock(client, group))) await sleep(takeOverEvery_ms, undefined, { signal: stopping });
    await work(AbortSignal.any([stopping, lost.signal]));
  } finally {
    await client.end().catch(() => {});
  }
}

async function tryLock(client: Client, group: string): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
    [`miniredis/reactions/${group}`],
  );
  return rows[0]?.locked === true;
}
