import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Pool } from 'pg';

import type { EventLog } from '../event-log.ts';
import type { Consumer, ConsumerLogger } from './consumer.ts';
import { heartbeat, joinGroup, leaveGroup, releaseShard, type HeldShard } from './leases.ts';
import { wantedReplays } from './parked.ts';
import { openReader, type Reader } from './reader.ts';
import { deadlineIn, startShard, type Deadline, type Shard } from './shard.ts';

export interface ConsumerOptions {
  readonly consumer: Consumer;
  /**
   * Where events come from. `subscribe` may be that of a transport which follows the log, so long as it keeps the port's promises: the
   * events come in the order of their positions, and nothing up to `upTo` comes later. Parked streams are read by `readStream`.
   */
  readonly log: Pick<EventLog, 'subscribe' | 'readStream'>;
  readonly pool: Pool;
  readonly logger: ConsumerLogger;
  /** Into how many shards the streams are hashed; counts when the group first runs anywhere, and is fixed then. Default 8. */
  readonly shards?: number;
  /** How long a member that is not heard of keeps its shards; it is heard of four times as often. Default 5 s. */
  readonly lease_ms?: number;
}

/** What a consumer says about its part of the group. */
export interface ConsumerStatus {
  /** The shards that this process holds. */
  readonly shards: readonly number[];
  /** Everything up to here has been dealt with on these shards; null without any. */
  readonly position: bigint | null;
  readonly parkedStreams: number;
  /** The transient failure that is waited out right now. */
  readonly waitingFor: string | null;
}

export interface RunningConsumer {
  status(): ConsumerStatus;
  /** Stops after the effects in hand, and hands the shards over. */
  stop(): Promise<void>;
}

const [shardsUsually, leaseUsually_ms] = [8, 5000];

/**
 * Makes this process a member of a consumer group for as long as it lives. The members share the shards fairly; a shard's events
 * are handled by one member at a time, each from the checkpoint of the one before.
 */
export function startConsumer(options: ConsumerOptions): RunningConsumer {
  const { consumer, log, pool, logger, lease_ms = leaseUsually_ms } = options;
  const group = consumer.name;
  const membership = { group, member: randomUUID(), lease_ms };
  const held = new Map<number, Shard>();
  /** Those that have ended and are still leased to this process. */
  const over = new Set<Shard>();
  let shardCount: number | null = null;
  let reader: Reader | null = null;
  const stopped = new AbortController();
  let draining = false;
  let pause = new AbortController();

  async function keep(): Promise<void> {
    let problem: string | null = null;
    while (!stopped.signal.aborted) {
      pause = new AbortController();
      try {
        shardCount ??= await joinGroup(pool, group, options.shards ?? shardsUsually);
        await beat(shardCount);
        problem = null;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (message !== problem) logger.warn({ err: error, group }, 'a consumer group is out of reach; trying again');
        problem = message;
      }
      // Whatever has ended meanwhile is handed over at once.
      if (over.size === 0 || problem !== null) {
        await sleep(lease_ms / 4, undefined, { signal: pause.signal }).catch(() => {});
      }
    }
  }

  async function beat(shards: number): Promise<void> {
    await handOver();
    // From before the question: the server counts from later, so this end comes first.
    const until = deadlineIn(lease_ms);
    const mine = [...held.values()];
    const rows = await heartbeat(
      pool,
      membership,
      mine.map((shard) => shard.progress()),
    );
    for (const shard of mine) if (!rows.some((row) => row.shard === shard.shard)) void shard.stop();
    let begun = false;
    for (const row of rows) begun = (await settle(row, until)) || begun;
    if (begun || (held.size > 0 && reader?.failed() !== false)) readAnew(shards);
    for (const { stream, shard } of await wantedReplays(pool, group)) held.get(shard)?.replay(stream);
  }

  /**
   * Lets go of what has ended. Never beside a heartbeat, whose answer could still name a shard that was let go of in between. One that
   * was fenced is another's already, and stays it.
   */
  async function handOver(): Promise<void> {
    for (const shard of over) {
      await releaseShard(pool, group, shard.progress());
      over.delete(shard);
      held.delete(shard.shard);
    }
  }

  /** Brings what this process does into line with a lease; true when a shard was begun. */
  async function settle(row: HeldShard, until: Deadline): Promise<boolean> {
    const shard = held.get(row.shard);
    if (shard === undefined) {
      if (!row.surplus && !draining) {
        begin(row, until);
        return true;
      }
      await releaseShard(pool, group, row);
    } else if (shard.epoch !== row.epoch) {
      // Held anew after a lapse: what has begun under the old epoch ends first.
      void shard.stop();
    } else {
      shard.renew(until);
      if (row.surplus) void shard.stop();
    }
    return false;
  }

  function begin(row: HeldShard, until: Deadline): void {
    const shard = startShard({ ...options, advanced: () => reader?.advanced() }, row, until);
    held.set(row.shard, shard);
    void shard.ended.then(() => {
      over.add(shard);
      pause.abort();
    });
  }

  function readAnew(shards: number): void {
    void reader?.stop();
    reader = openReader({ consumer, log, logger, shards, held: [...held.values()] });
  }

  const kept = keep();
  return {
    status() {
      const mine = [...held.values()].toSorted((left, right) => left.shard - right.shard);
      const positions = mine.map((shard) => shard.progress().position);
      return {
        shards: mine.map(({ shard }) => shard),
        position: positions.length === 0 ? null : positions.reduce((least, one) => (one < least ? one : least)),
        parkedStreams: mine.reduce((sum, shard) => sum + shard.parkedStreams(), 0),
        waitingFor: mine.map((shard) => shard.waitingFor()).find((reason) => reason !== null) ?? null,
      };
    },
    async stop() {
      // The leases are kept while effects are in hand.
      draining = true;
      await Promise.all([...held.values()].map((shard) => shard.stop()));
      stopped.abort();
      pause.abort();
      await kept;
      await Promise.all([...held.values()].map((shard) => shard.stop()));
      await reader?.stop();
      // If PostgreSQL is away the leases run out by themselves.
      await handOver()
        .then(() => leaveGroup(pool, group, membership.member))
        .catch(() => {});
    },
  };
}
