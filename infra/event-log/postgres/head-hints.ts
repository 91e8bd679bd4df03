import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

/** What the hints go through. */
export const hintChannel = 'miniredis_log';
/** What `pg_stat_activity` calls the connections that wait for hints. */
export const listenerName = 'miniredis listen';

/** A hint changes nothing, so its commit need not wait for the disk. */
const hintStatement = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('${hintChannel}', '')`;
/** A process that listens itself wakes its own waiters; whether another one does is the question. */
const listenersStatement = `SELECT FROM pg_stat_activity
WHERE datname = current_database() AND application_name = '${listenerName}' AND pid IS DISTINCT FROM $1 LIMIT 1`;

/** A hint costs about as much as an append, so under load they come no more often than this. */
const hintPauseMs = 4;
/** How long it stands that somebody listens, and that nobody does: who begins to listen polls as often as that. */
const [heardForMs, unheardForMs] = [5_000, 250];

/** Tells other processes that the log has grown, as long as there are any to hear it. */
export interface HeadHints {
  readonly recorded: (position: bigint) => void;
  /** Resolves when nothing is under way any more, once the signal has been given. */
  stopped(): Promise<void>;
}

/** `ownListener` is the server's process behind the connection on which this process listens, if it does. */
export function openHeadHints(pool: Pool, ownListener: () => number | null, signal: AbortSignal): HeadHints {
  let [known, hinted] = [0n, 0n];
  let hinting: Promise<void> | null = null;
  let heard = false;
  let lookAgainAt = 0;

  async function hint(): Promise<void> {
    while (hinted < known && !signal.aborted) {
      hinted = known;
      if (performance.now() >= lookAgainAt) {
        heard = await somebodyListens();
        lookAgainAt = performance.now() + (heard ? heardForMs : unheardForMs);
      }
      if (heard) await pool.query({ name: 'hint', text: hintStatement }).catch(() => {});
      await sleep(heard ? hintPauseMs : unheardForMs, undefined, { signal }).catch(() => {});
    }
    hinting = null;
  }

  /** In doubt somebody does. */
  async function somebodyListens(): Promise<boolean> {
    return pool.query({ name: 'listeners', text: listenersStatement, values: [ownListener()] }).then(
      ({ rowCount }) => rowCount !== 0,
      () => true,
    );
  }

  return {
    recorded(position) {
      if (position <= known) return;
      known = position;
      hinting ??= Promise.resolve().then(hint);
    },
    async stopped() {
      await hinting;
    },
  };
}
