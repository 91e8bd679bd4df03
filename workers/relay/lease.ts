import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

/** So long a relay is the active one after it last said so. */
const lease_ms = 10_000;
const renewEvery_ms = 2000;
const askEvery_ms = 1000;

/** The right to relay, until it ends. */
export interface Lease {
  readonly epoch: bigint;
  /** Aborts when the lease is over or was lost; nothing may be sent after. */
  readonly lost: AbortSignal;
  /** Whether the lease holds at this moment: a process that was stalled learns it here before any timer tells. */
  holds(): boolean;
  /** Ends it, so that another may take over at once. */
  release(): Promise<void>;
}

/** What the active relay says of itself with each renewal. */
export interface Report {
  readonly position: bigint;
  readonly problem: string | null;
}

/**
 * Waits until no other relay is active, then becomes the active one, under an epoch that nobody had before. Rejects when the
 * signal aborts or the database fails.
 */
export async function acquireLease(
  pool: Pool,
  owner: string,
  report: () => Report,
  signal: AbortSignal,
): Promise<Lease> {
  for (;;) {
    signal.throwIfAborted();
    const askedAt = performance.now();
    const epoch = await take(pool, owner);
    if (epoch !== null) return keep(pool, epoch, askedAt + lease_ms, report);
    await sleep(askEvery_ms, undefined, { signal });
  }
}

/** Time is PostgreSQL's own, so that the clocks of two machines need not agree. */
async function take(pool: Pool, owner: string): Promise<bigint | null> {
  const { rows } = await pool.query<{ epoch: bigint }>(
    `UPDATE relay_lease SET epoch = epoch + 1, owner = $1, problem = NULL,
       expires_at = clock_timestamp() + $2 * interval '1 millisecond'
     WHERE expires_at < clock_timestamp() RETURNING epoch`,
    [owner, lease_ms],
  );
  return rows[0]?.epoch ?? null;
}

function keep(pool: Pool, epoch: bigint, firstDeadline: number, report: () => Report): Lease {
  const lost = new AbortController();
  const released = new AbortController();
  // Counted from before the question was asked, so that it is over here before it is over there.
  let deadline = firstDeadline;

  const renew = async (): Promise<boolean> => {
    const askedAt = performance.now();
    const { position, problem } = report();
    const { rowCount } = await pool.query(
      `UPDATE relay_lease SET expires_at = clock_timestamp() + $2 * interval '1 millisecond', position = $3, problem = $4
       WHERE epoch = $1`,
      [epoch, lease_ms, position, problem],
    );
    if (rowCount === 1) deadline = askedAt + lease_ms;
    return rowCount === 1;
  };

  const renewing = async (): Promise<void> => {
    while (!released.signal.aborted) {
      await sleep(renewEvery_ms, undefined, { signal: released.signal }).catch(() => {});
      if (released.signal.aborted) return;
      // A database that is away may be back before the lease is over.
      const ours = await renew().catch(() => true);
      if (!ours || performance.now() >= deadline) return lost.abort();
    }
  };
  const kept = renewing();

  return {
    epoch,
    lost: lost.signal,
    holds: () => !lost.signal.aborted && performance.now() < deadline,
    async release() {
      released.abort();
      await kept;
      const { position, problem } = report();
      await pool.query(
        `UPDATE relay_lease SET expires_at = '-infinity', position = $2, problem = $3 WHERE epoch = $1`,
        [epoch, position, problem],
      );
    },
  };
}
