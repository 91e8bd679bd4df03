import { setTimeout as sleep } from 'node:timers/promises';

import type { EventLog, Subscription } from '#infra/event-log/event-log.ts';
import { backOff, isTransient } from '#infra/event-log/postgres/transient.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { ClientBase, Pool } from 'pg';

import { advance } from './advance.ts';
import { catchUp, renew, type Beside } from './catch-up.ts';
import { clearHalts, ensureViews, readCheckpoints, shapeOf, type Checkpoint } from './checkpoints.ts';
import type { AnyView } from './view.ts';

/** One runner moves the views of a database; its lock lives and dies with the connection that it writes through. */
const runnerLock = 0x7072_6f6a;
const standbyPoll_ms = 250;
/** Views that are no further apart start together; one further back catches up beside the others. */
const together = 1000n;
const batchSize = 500;

export interface RunningProjections {
  /** `standby`: another runner does the work; `connecting`: PostgreSQL is away, or the work is about to begin. */
  state(): 'connecting' | 'standby' | 'live';
  /** Ends after the batch in hand. */
  stop(): Promise<void>;
}

/** Keeps the views up to date with the log until stopped, whatever becomes of the connection meanwhile. */
export function runProjections(
  events: EventLog,
  pool: Pool,
  views: readonly AnyView[],
  log: Logger,
): RunningProjections {
  const stopping = new AbortController();
  const { signal } = stopping;
  let state: ReturnType<RunningProjections['state']> = 'connecting';

  async function keepRunning(): Promise<void> {
    for (let retry = 1; !signal.aborted; retry += 1) {
      try {
        await session();
      } catch (error) {
        if (state === 'live') retry = 1;
        if (signal.aborted) break;
        if (isTransient(error)) log.warn({ err: error }, 'projections lost their connection; trying again');
        else log.error({ err: error }, 'projections stand still: the log can not be followed; trying again');
      }
      state = 'connecting';
      await backOff(retry, signal).catch(() => {});
    }
  }

  /** From getting a connection to losing it. What is written goes through this connection, as the lock does. */
  async function session(): Promise<void> {
    const client = await pool.connect();
    const ending = new AbortController();
    const beside: Beside = { events, pool, log, signal: AbortSignal.any([signal, ending.signal]) };
    try {
      const lost = new Promise<never>((_resolve, reject) => client.on('error', reject));
      lost.catch(() => {});
      if (!(await lockRunner(client))) return;
      await client.query('SET synchronous_commit = off');
      await ensureViews(client, views);
      await clearHalts(client);
      const round = startRound(client, beside, await readCheckpoints(client));
      state = 'live';
      log.info('projections are running');
      try {
        await Promise.race([round.ended, lost, aborted(signal)]);
      } finally {
        ending.abort();
        await round.stop();
      }
    } finally {
      client.release(true);
    }
  }

  async function lockRunner(client: ClientBase): Promise<boolean> {
    while (!signal.aborted) {
      const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_lock($1) AS mine', [runnerLock]);
      if (rows[0]?.mine === true) return true;
      if (state !== 'standby') log.info('another process runs the projections; standing by');
      state = 'standby';
      await sleep(standbyPoll_ms, undefined, { signal }).catch(() => {});
    }
    return false;
  }

  function startRound(client: ClientBase, beside: Beside, checkpoints: readonly Checkpoint[]) {
    const waiting = new Set<string>();
    let besides = Promise.resolve();
    /** Works on a view beside the round, on one at a time; the next batch finds out if more is needed. */
    const startBeside = (view: AnyView, work: (beside: Beside, view: AnyView) => Promise<void>) => {
      if (waiting.has(view.name)) return;
      waiting.add(view.name);
      const report = (error: unknown) => {
        if (!beside.signal.aborted) log.error({ view: view.name, err: error }, 'a view could not be brought up');
      };
      besides = besides
        .then(() => work(beside, view))
        .catch(report)
        .then(() => void waiting.delete(view.name));
    };

    let after = startingPoint(views, checkpoints);
    for (const view of views) {
      const checkpoint = checkpoints.find((one) => one.view === view.name);
      if (checkpoint?.shape !== shapeOf(view)) startBeside(view, renew);
      else if (checkpoint.position < after) startBeside(view, catchUp);
    }
    const subscription: Subscription = events.subscribe({
      after,
      batchSize,
      handle: async (batch, upTo) => {
        const { behind, outdated } = await advance(client, views, { after, events: batch, upTo }, log);
        after = upTo;
        for (const view of behind) startBeside(view, catchUp);
        for (const view of outdated) startBeside(view, renew);
      },
    });
    return {
      ended: subscription.ended,
      async stop() {
        await subscription.stop();
        await besides;
      },
    };
  }

  const running = keepRunning();
  return {
    state: () => state,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** The least position among the views that are close to the furthest. */
function startingPoint(views: readonly AnyView[], checkpoints: readonly Checkpoint[]): bigint {
  const shapes = new Map(views.map((view) => [view.name, shapeOf(view)]));
  const positions = checkpoints.filter((one) => shapes.get(one.view) === one.shape).map(({ position }) => position);
  const furthest = positions.reduce((most, position) => (position > most ? position : most), 0n);
  return positions
    .filter((position) => furthest - position <= together)
    .reduce((least, position) => (position < least ? position : least), furthest);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
