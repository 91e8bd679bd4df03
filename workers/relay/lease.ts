import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { heartbeat, joinGroup, leaveGroup, releaseShard, type Progress } from '#infra/event-log/consumers/leases.ts';
import { relayGroup, writeRelayState, type RelayState } from '#infra/kafka/relay-state.ts';
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
type Report = Pick<RelayState, 'position' | 'problem'>;

/**
 * Waits until no other relay is active, then becomes the active one, under an epoch that nobody had before. Relays are a consumer
 * group with one shard, of which the holder lets go only when it ends. Rejects when the signal aborts or the database fails.
 */
export async function acquireLease(pool: Pool, report: () => Report, signal: AbortSignal): Promise<Lease> {
  const membership = { group: relayGroup, member: randomUUID(), lease_ms };
  const beat = async (moved: readonly Progress[]) => (await heartbeat(pool, membership, moved))[0];
  await joinGroup(pool, relayGroup, 1);
  try {
    for (;;) {
      signal.throwIfAborted();
      const askedAt = performance.now();
      const held = await beat([]);
      if (held !== undefined) return keep(held, askedAt + lease_ms);
      await sleep(askEvery_ms, undefined, { signal });
    }
  } catch (error) {
    await leaveGroup(pool, relayGroup, membership.member).catch(() => {});
    throw error;
  }

  function keep({ shard, epoch }: Progress, firstDeadline: number): Lease {
    const lost = new AbortController();
    const released = new AbortController();
    const progress = (): Progress => ({ shard, epoch, position: report().position });
    // Counted from before the question was asked, so that it is over here before it is over there.
    let deadline = firstDeadline;

    const renew = async (): Promise<boolean> => {
      const askedAt = performance.now();
      const held = await beat([progress()]);
      if (held?.epoch !== epoch) {
        // It had lapsed, and is this relay's again under another epoch; it begins anew like everybody else.
        if (held !== undefined) await releaseShard(pool, relayGroup, held);
        return false;
      }
      deadline = askedAt + lease_ms;
      await writeRelayState(pool, { epoch, ...report() });
      return true;
    };

    const renewing = async (): Promise<void> => {
      while (!released.signal.aborted) {
        // A database that is away may be back before the lease is over.
        const ours = await renew().catch(() => true);
        if (!ours || performance.now() >= deadline) return lost.abort();
        await sleep(renewEvery_ms, undefined, { signal: released.signal }).catch(() => {});
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
        await writeRelayState(pool, { epoch, ...report() });
        await releaseShard(pool, relayGroup, progress());
        await leaveGroup(pool, relayGroup, membership.member);
      },
    };
  }
}
