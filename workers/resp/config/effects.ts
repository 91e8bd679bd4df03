import { requirePassword } from '../acl/users.ts';
import { checkClientMemory } from '../clients/memory.ts';
import { notificationClasses, setNotifications, shownClasses } from '../clients/notifications.ts';
import type { Server } from '../clients/server.ts';
import { limitTracking } from '../clients/tracking.ts';
import type { SavingSetting } from '../engine-api.ts';
import { makeRoom } from '../keyspace/eviction.ts';
import type { EvictionPolicy } from '../keyspace/node.ts';
import type { EncodingLimits } from '../keyspace/sizes.ts';
import { trackUsage } from '../keyspace/usage.ts';
import { parameterOf } from './catalogue.ts';
import { setting } from './settings.ts';
import { outputLimits, setOutputLimits } from './output-limits.ts';

/** A parameter that something else knows of than the parameter itself. */
export interface Effect {
  /** A tenant may set it for a node of its own; others only whoever runs the engine as a server of its own. */
  readonly tenant?: boolean;
  /** What it is now. */
  readonly get: (server: Server) => string;
  /** Makes it so; what is wrong with the value, if that was not seen before. */
  readonly set?: (server: Server, value: string) => string | undefined;
  /** What takes its time, once all parameters of a request are set; what went wrong, if anything did. */
  readonly apply?: (server: Server, value: string) => Promise<string | undefined>;
}

/** Entries the slow log and the ACL log can have at most, whatever is asked for. */
const LOG_MAX = 10_000;

function numeric(
  get: (server: Server) => number,
  set: (server: Server, value: number) => void,
  more: Pick<Effect, 'tenant'> = { tenant: true },
): Effect {
  return {
    ...more,
    get: (server) => String(get(server)),
    set: (server, value) => {
      set(server, Number(value));
      return undefined;
    },
  };
}

function ofNode(field: 'evictionSamples' | 'lfuLogFactor' | 'lfuDecayMinutes'): Effect {
  return numeric(
    ({ node }) => node[field],
    ({ node }, value) => {
      node[field] = value;
    },
  );
}

function encoding(field: keyof EncodingLimits): Effect {
  return numeric(
    ({ node }) => node.encodingLimits[field],
    ({ node }, value) => {
      node.encodingLimits = { ...node.encodingLimits, [field]: value };
    },
  );
}

/** Clients may take so many bytes, or a part of what the data may take. */
function limitClients(server: Server): void {
  const wanted = server.changed('maxmemory-clients') ?? '0';
  const percent = wanted.endsWith('%');
  server.clientBytesMax = percent ? (server.node.maxMemory * Number(wanted.slice(0, -1))) / 100 : Number(wanted);
  checkClientMemory(server);
}

type Limit = 'maxClients' | 'bulkBytesMax' | 'queryBufferBytesMax';

function limit(field: Limit): Effect {
  return numeric(
    ({ host }) => host.limits[field],
    ({ host }, value) => {
      host.limits[field] = value;
    },
    {},
  );
}

/** What keeps a standalone server's data knows of it; a node of the platform shows what is usual. */
function ofSaving(name: SavingSetting): [string, Effect] {
  return [
    name,
    {
      get: ({ host }) => host.saving?.setting(name) ?? parameterOf(name)!.initial,
      set: ({ host }, value) => host.saving?.set(name, value),
    },
  ];
}

/** By the parameter's name. */
export const effects: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  [
    'maxmemory',
    numeric(
      ({ node }) => node.maxMemory,
      (server, value) => {
        server.node.maxMemory = value;
        makeRoom(server.node);
        limitClients(server);
      },
      {},
    ),
  ],
  [
    'maxmemory-clients',
    {
      get: ({ config }) => config.get('maxmemory-clients') ?? '0',
      set: (server, value) => {
        server.config.set('maxmemory-clients', value);
        limitClients(server);
        return undefined;
      },
    },
  ],
  [
    'maxmemory-policy',
    {
      tenant: true,
      get: ({ node }) => node.evictionPolicy,
      set: ({ node }, value) => {
        node.evictionPolicy = value as EvictionPolicy;
        trackUsage(node);
        return undefined;
      },
    },
  ],
  [
    'notify-keyspace-events',
    {
      tenant: true,
      get: ({ notifications }) => shownClasses(notifications),
      set: (server, value) => {
        const classes = notificationClasses(value);
        if (classes === undefined) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
        setNotifications(server, classes);
        return undefined;
      },
    },
  ],
  [
    'slowlog-log-slower-than',
    numeric(
      (server) => server.slowLogMicroseconds,
      (server, value) => {
        server.slowLogMicroseconds = value;
      },
    ),
  ],
  [
    'slowlog-max-len',
    numeric(
      (server) => server.slowLogMax,
      (server, value) => {
        server.slowLogMax = Math.min(value, LOG_MAX);
        server.slowLog.length = Math.min(server.slowLog.length, server.slowLogMax);
      },
    ),
  ],
  [
    'acllog-max-len',
    numeric(
      (server) => server.aclLogMax,
      (server, value) => {
        server.aclLogMax = Math.min(value, LOG_MAX);
        server.aclLog?.splice(server.aclLogMax);
      },
    ),
  ],
  [
    'latency-monitor-threshold',
    numeric(
      (server) => server.latencyThresholdMs,
      (server, value) => {
        server.latencyThresholdMs = value;
      },
    ),
  ],
  [
    'latency-tracking',
    {
      tenant: true,
      get: (server) => (server.latencyTracking ? 'yes' : 'no'),
      set: (server, value) => {
        server.latencyTracking = value === 'yes';
        return undefined;
      },
    },
  ],
  [
    'tracking-table-max-keys',
    {
      tenant: true,
      get: (server) => setting(server, 'tracking-table-max-keys'),
      set: (server, value) => {
        server.config.set('tracking-table-max-keys', value);
        limitTracking(server);
        return undefined;
      },
    },
  ],
  ['hash-max-listpack-entries', encoding('hashEntries')],
  ['hash-max-listpack-value', encoding('hashValue')],
  ['set-max-intset-entries', encoding('setIntsetEntries')],
  ['set-max-listpack-entries', encoding('setEntries')],
  ['set-max-listpack-value', encoding('setValue')],
  ['zset-max-listpack-entries', encoding('zsetEntries')],
  ['zset-max-listpack-value', encoding('zsetValue')],
  ['list-max-listpack-size', encoding('listSize')],
  ['hll-sparse-max-bytes', encoding('hllSparseBytes')],
  ['stream-node-max-entries', encoding('streamEntries')],
  ['stream-node-max-bytes', encoding('streamBytes')],
  ['maxmemory-samples', ofNode('evictionSamples')],
  ['lfu-log-factor', ofNode('lfuLogFactor')],
  ['lfu-decay-time', ofNode('lfuDecayMinutes')],
  ['maxclients', limit('maxClients')],
  [
    'timeout',
    {
      tenant: true,
      get: ({ config, host }) => config.get('timeout') ?? String(host.limits.idleTimeoutSeconds),
      set: ({ config }, value) => {
        config.set('timeout', value);
        return undefined;
      },
    },
  ],
  ['proto-max-bulk-len', limit('bulkBytesMax')],
  ['client-query-buffer-limit', limit('queryBufferBytesMax')],
  [
    'client-output-buffer-limit',
    { get: ({ host }) => outputLimits(host), set: ({ host }, value) => setOutputLimits(host, value) },
  ],
  [
    'requirepass',
    {
      get: ({ host }) => host.requirePass ?? '',
      set: (server, value) => {
        requirePassword(server, value);
        return undefined;
      },
    },
  ],
  ofSaving('dir'),
  ofSaving('dbfilename'),
  ofSaving('appendonly'),
  ofSaving('appendfsync'),
  ofSaving('appendfilename'),
  ofSaving('appenddirname'),
  ofSaving('aof-load-truncated'),
  ofSaving('aof-timestamp-enabled'),
  ofSaving('aof-use-rdb-preamble'),
  ofSaving('rdbcompression'),
  ofSaving('auto-aof-rewrite-percentage'),
  ofSaving('auto-aof-rewrite-min-size'),
  ofSaving('save'),
  ofSaving('stop-writes-on-bgsave-error'),
  [
    'port',
    {
      get: ({ host }) => String(host.port),
      set: () => undefined,
      apply: ({ host }, value) =>
        Number(value) === host.port ? Promise.resolve(undefined) : host.listenOn(Number(value)),
    },
  ],
]);

/** What a tenant may set although nothing but the parameter itself knows of it; the node acts on it when it matters. */
export const TENANTS_OWN: ReadonlySet<string> = new Set([
  'latency-tracking-info-percentiles',
  'lazyfree-lazy-eviction',
  'lazyfree-lazy-expire',
  'lazyfree-lazy-server-del',
  'lazyfree-lazy-user-del',
  'lazyfree-lazy-user-flush',
  'list-compress-depth',
  'active-expire-effort',
  'acl-pubsub-default',
  'activerehashing',
]);

/** Brings what a server was started with into effect; the port and the password are there already. */
export function applySettings(server: Server): void {
  for (const [name, value] of server.host.settings) {
    const problem = effects.get(name)?.set?.(server, value);
    if (problem !== undefined) throw new Error(`'${name} "${value}"': ${problem}`);
  }
}
