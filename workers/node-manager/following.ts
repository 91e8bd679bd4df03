import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ManagerId, NodeId } from '#domains/kernel/ids.ts';
import type { Config } from '#infra/config/config.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Logger } from '#infra/logging/log.ts';
import { migrate } from '#infra/postgres/migrate.ts';
import { readRouting } from '#projections/routing/queries.ts';
import type { Pool } from 'pg';

import { registerManager } from './register.ts';
import { followRouting, type RoutingFeed } from './routing/feed.ts';
import type { RoutedNode } from './routing/routed-node.ts';
import { readRoutingStart } from './routing/start.ts';

/** The manager's view of the log, which may be away when the manager starts and at any time after. */
export interface Following {
  /** Whether all that the log wanted at the start is known. */
  readonly known: boolean;
  /** Resolves when `known` becomes true and every node has been named. */
  readonly begun: Promise<void>;
  /** Null until the log was reached for the first time. */
  readonly position: bigint | null;
  find(nodeId: NodeId): RoutedNode | undefined;
  nodes(): Iterable<RoutedNode>;
  /** Waits, within a bound, until all is known that was recorded before the call. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

interface FollowingOptions {
  readonly config: Config;
  readonly managerId: ManagerId;
  readonly respPort: number;
  readonly pool: Pool;
  readonly eventLog: EventLog;
  readonly log: Logger;
  /** Called for every node once, when `known` becomes true, and then for each that something is wanted of. */
  readonly changed: (nodeId: NodeId) => void;
}

/** How long an AUTH waits for the log, while it is followed and while the manager starts. */
const patience_ms = 1000;
const startPatience_ms = 2500;
const retry_ms = 200;

/** Registers the manager and follows what the log wants of its nodes, as soon as the log is there and ever after. */
export function followLog({ config, managerId, respPort, pool, eventLog, log, changed }: FollowingOptions): Following {
  const startId = randomUUID();
  const stopping = new AbortController();
  const { signal } = stopping;
  const firstKnown = Promise.withResolvers<void>();
  /** What is followed right now, and what has caught up and is gone by. */
  let followed: RoutingFeed | undefined;
  let feed: RoutingFeed | undefined;
  let known = false;

  async function until<Result>(what: string, attempt: () => Promise<Result>): Promise<Result> {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        log.warn({ err: error, retry_ms }, `${what} is not possible yet; trying again`);
        await sleep(retry_ms, undefined, { signal });
      }
    }
  }

  async function follow(): Promise<void> {
    await until('preparing the database', () => migrate(config.databaseUrl));
    const registered = until('registering the manager', () =>
      registerManager(eventLog, config, managerId, respPort, startId),
    );
    const start = await until('reading the routing table', () =>
      readRoutingStart(eventLog, managerId, () => readRouting(pool, managerId), log),
    );
    let caughtUp = false;
    const following = followRouting(eventLog, managerId, start, (nodeId) => {
      if (caughtUp) changed(nodeId);
    });
    followed = following;
    const ended = following.ended.then(() => signal.throwIfAborted());
    ended.catch(() => {});
    // What was asked for and taken back while the manager was away must not be begun.
    while ((await Promise.race([following.caughtUp(patience_ms), ended])) !== true) {
      await sleep(retry_ms, undefined, { signal });
    }
    caughtUp = true;
    feed = following;
    known = true;
    for (const { nodeId } of following.nodes()) changed(nodeId);
    firstKnown.resolve();
    await registered;
    log.info({ managerId, position: Number(following.position) }, 'following the log');
    await ended;
  }

  async function followForEver(): Promise<void> {
    while (!signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (signal.aborted) return;
        log.error({ err: error }, 'the log can not be followed; reading the routing table anew');
        await sleep(retry_ms, undefined, { signal }).catch(() => {});
      }
    }
  }

  const running = followForEver();
  return {
    get known() {
      return known;
    },
    begun: firstKnown.promise,
    get position() {
      return followed?.position ?? null;
    },
    find: (nodeId) => feed?.find(nodeId),
    nodes: () => feed?.nodes() ?? [],
    async caughtUp() {
      if (known) await feed?.caughtUp(patience_ms);
      else await Promise.race([firstKnown.promise, sleep(startPatience_ms, undefined, { ref: false })]);
    },
    async stop() {
      stopping.abort(new Error('The manager stops.'));
      await followed?.stop();
      await running;
    },
  };
}
