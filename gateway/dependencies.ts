import type { MasterKey } from '#infra/crypto/master-key.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Logger } from '#infra/logging/log.ts';
import type { Pool } from 'pg';

import type { NodeConnections } from './exec/node-connections.ts';
import type { Placements } from './placement.ts';
import type { RateLimitSettings } from './plugins/rate-limits.ts';
import type { LogFeed } from './streams/log-feed.ts';

/** Everything the gateway's routes need of the world. */
export interface GatewayDependencies {
  readonly log: EventLog;
  /** For the read models. */
  readonly pool: Pool;
  readonly masterKey: MasterKey;
  readonly feed: LogFeed;
  readonly nodes: NodeConnections;
  readonly placements: Placements;
  readonly logger: Logger;
  /** Host and port that clients of nodes are told. */
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly rateLimits: RateLimitSettings;
  readonly patience: Patience;
}

/** How long things may take, in milliseconds. */
export interface Patience {
  /** A write waits so long for its effect before it answers 202. */
  readonly effect_ms: number;
  /** A read waits so long for its read models. */
  readonly readModel_ms: number;
  /** A request that is not a stream is answered within this time, whatever happens. */
  readonly request_ms: number;
  /** An idle stream of server-sent events gets a comment this often. */
  readonly keepAlive_ms: number;
}

export const usualPatience: Patience = {
  effect_ms: 2000,
  readModel_ms: 2000,
  request_ms: 15_000,
  keepAlive_ms: 15_000,
};
