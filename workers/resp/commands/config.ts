import type { Client, Server } from '../clients/server.ts';
import { notificationClasses, setNotifications, shownClasses } from '../clients/notifications.ts';
import type { EvictionPolicy } from '../keyspace/node.ts';
import type { EncodingLimits } from '../keyspace/sizes.ts';
import { trackUsage } from '../keyspace/usage.ts';
import { matches } from '../protocol/glob.ts';
import { parseInteger } from '../protocol/numbers.ts';
import { cut, SYNTAX, wrongArity } from '../protocol/errors.ts';
import type { Run } from './command.ts';

/** One setting of a node. `set` returns what is wrong with a value, if anything. */
interface Parameter {
  readonly get: (server: Server) => string;
  readonly set?: (server: Server, value: string) => string | undefined;
  /** May be set by a tenant; others only where the engine is a server of its own. */
  readonly tenant?: boolean;
}

const POLICIES: readonly string[] = [
  'volatile-lru',
  'allkeys-lru',
  'volatile-lfu',
  'allkeys-lfu',
  'volatile-random',
  'allkeys-random',
  'volatile-ttl',
  'noeviction',
];

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1e6,
  mb: 1024 ** 2,
  g: 1e9,
  gb: 1024 ** 3,
};

/** Bytes written as Redis's configuration allows: `100mb`, `1g`, … */
export function parseMemory(text: string): number | undefined {
  const match = /^(\d+)([a-z]*)$/i.exec(text);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? '?'];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** A setting that is kept and shown but does not change what the engine does. */
function kept(name: string, initial: string, allowed?: RegExp): Parameter {
  return {
    get: (server) => server.config.get(name) ?? initial,
    set: (server, value) => {
      if (allowed !== undefined && !allowed.test(value)) return 'argument must be one of the allowed values';
      server.config.set(name, value);
      return undefined;
    },
  };
}

function fixed(get: string | ((server: Server) => string)): Parameter {
  return { get: typeof get === 'string' ? () => get : get };
}

function integer(
  get: (server: Server) => number,
  set: (server: Server, value: number) => void,
  min: number,
  tenant = true,
): Parameter {
  return {
    tenant,
    get: (server) => String(get(server)),
    set: (server, text) => {
      const value = parseInteger(text);
      if (value === undefined) return "argument couldn't be parsed into an integer";
      if (value < min) return `argument must be between ${min} and 9223372036854775807 inclusive`;
      set(server, value);
      return undefined;
    },
  };
}

function encoding(field: keyof EncodingLimits, min = 0): Parameter {
  return integer(
    ({ node }) => node.encodingLimits[field],
    ({ node }, value) => {
      node.encodingLimits = { ...node.encodingLimits, [field]: value };
    },
    min,
  );
}

/** A setting of what keeps a standalone server's data; nodes of a platform show what is usual. */
function savingSetting(name: string, usual: string): Parameter {
  return {
    get: ({ host }) => host.saving?.settings.get(name)?.get() ?? usual,
    set: ({ host }, value) => {
      const setting = host.saving?.settings.get(name);
      return setting?.set === undefined ? "can't set immutable config" : setting.set(value);
    },
  };
}

const parameters: ReadonlyMap<string, Parameter> = new Map<string, Parameter>([
  [
    'maxmemory',
    {
      get: ({ node }) => String(node.maxMemory),
      set: ({ node }, text) => {
        const bytes = parseMemory(text);
        if (bytes === undefined) return 'argument must be a memory value';
        node.maxMemory = bytes;
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
        if (!POLICIES.includes(value)) return `argument(s) must be one of the following: ${POLICIES.join(', ')}`;
        node.evictionPolicy = value as EvictionPolicy;
        trackUsage(node);
        return undefined;
      },
    },
  ],
  ['maxmemory-samples', kept('maxmemory-samples', '5', /^\d+$/)],
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
    integer(
      (server) => server.slowLogMicroseconds,
      (server, value) => {
        server.slowLogMicroseconds = value;
      },
      -1,
    ),
  ],
  [
    'slowlog-max-len',
    integer(
      (server) => server.slowLogMax,
      (server, value) => {
        server.slowLogMax = Math.min(value, 10_000);
        server.slowLog.length = Math.min(server.slowLog.length, server.slowLogMax);
      },
      0,
    ),
  ],
  ['hash-max-listpack-entries', encoding('hashEntries')],
  ['hash-max-ziplist-entries', encoding('hashEntries')],
  ['hash-max-listpack-value', encoding('hashValue')],
  ['hash-max-ziplist-value', encoding('hashValue')],
  ['set-max-intset-entries', encoding('setIntsetEntries')],
  ['set-max-listpack-entries', encoding('setEntries')],
  ['set-max-listpack-value', encoding('setValue')],
  ['zset-max-listpack-entries', encoding('zsetEntries')],
  ['zset-max-ziplist-entries', encoding('zsetEntries')],
  ['zset-max-listpack-value', encoding('zsetValue')],
  ['zset-max-ziplist-value', encoding('zsetValue')],
  ['list-max-listpack-size', encoding('listSize', -5)],
  ['list-max-ziplist-size', encoding('listSize', -5)],
  ['hll-sparse-max-bytes', encoding('hllSparseBytes')],
  ['stream-node-max-entries', encoding('streamEntries')],
  ['stream-node-max-bytes', encoding('streamBytes')],
  ['list-compress-depth', kept('list-compress-depth', '0', /^\d+$/)],
  ['busy-reply-threshold', kept('busy-reply-threshold', '5000', /^\d+$/)],
  ['lua-time-limit', kept('busy-reply-threshold', '5000', /^\d+$/)],
  ['latency-monitor-threshold', kept('latency-monitor-threshold', '0', /^\d+$/)],
  ['appendonly', savingSetting('appendonly', 'no')],
  ['appendfsync', savingSetting('appendfsync', 'everysec')],
  ['save', savingSetting('save', '')],
  ['dir', savingSetting('dir', '/')],
  ['dbfilename', savingSetting('dbfilename', 'dump.rdb')],
  ['appendfilename', fixed(({ host }) => host.saving?.settings.get('appendfilename')?.get() ?? 'appendonly.aof')],
  ['appenddirname', fixed(({ host }) => host.saving?.settings.get('appenddirname')?.get() ?? 'appendonlydir')],
  ['aof-load-truncated', savingSetting('aof-load-truncated', 'yes')],
  ['aof-timestamp-enabled', savingSetting('aof-timestamp-enabled', 'no')],
  ['aof-use-rdb-preamble', savingSetting('aof-use-rdb-preamble', 'yes')],
  ['auto-aof-rewrite-percentage', savingSetting('auto-aof-rewrite-percentage', '100')],
  ['auto-aof-rewrite-min-size', savingSetting('auto-aof-rewrite-min-size', '67108864')],
  ['stop-writes-on-bgsave-error', savingSetting('stop-writes-on-bgsave-error', 'yes')],
  ['rdbcompression', savingSetting('rdbcompression', 'yes')],
  ['rdbchecksum', savingSetting('rdbchecksum', 'yes')],
  ['timeout', kept('timeout', '0', /^\d+$/)],
  ['tcp-keepalive', kept('tcp-keepalive', '300', /^\d+$/)],
  ['hz', kept('hz', '10', /^\d+$/)],
  ['databases', fixed('16')],
  ['bind', fixed('127.0.0.1')],
  ['port', fixed(({ host }) => String(host.port))],
  ['maxclients', fixed(({ host }) => String(host.limits.maxClients))],
  ['proto-max-bulk-len', fixed(({ host }) => String(host.limits.bulkBytesMax))],
  ['client-query-buffer-limit', fixed(({ host }) => String(host.limits.queryBufferBytesMax))],
  ['cluster-enabled', fixed('no')],
  ['lfu-log-factor', kept('lfu-log-factor', '10', /^\d+$/)],
  ['lfu-decay-time', kept('lfu-decay-time', '1', /^\d+$/)],
  ['lazyfree-lazy-user-del', kept('lazyfree-lazy-user-del', 'no', /^(?:yes|no)$/)],
]);

export const configGet: Run = ({ server, reply }, args) => {
  const wanted = [...parameters].filter(([name]) => args.slice(2).some((pattern) => matches(pattern, name, true)));
  reply.map(wanted.length);
  for (const [name, parameter] of wanted) {
    reply.bulk(name);
    reply.bulk(parameter.get(server));
  }
};

/** All settings of one request are made, or none. */
export const configSet: Run = (client: Client, args) => {
  const { server, reply } = client;
  if (args.length % 2 !== 0) {
    reply.error(args.length < 4 ? wrongArity('config|set') : SYNTAX);
    return;
  }
  const changes: { name: string; parameter: Parameter; value: string }[] = [];
  for (let i = 2; i < args.length; i += 2) {
    const name = args[i]!.toLowerCase();
    const parameter = parameters.get(name);
    if (parameter === undefined) {
      reply.error(`ERR Unknown option or number of arguments for CONFIG SET - '${cut(args[i]!)}'`);
      return;
    }
    if (changes.some((change) => change.name === name)) {
      reply.error(`ERR CONFIG SET failed (possibly related to argument '${args[i]!}') - duplicate parameter`);
      return;
    }
    if (parameter.set === undefined || (!server.host.standalone && parameter.tenant !== true)) {
      reply.error(`ERR CONFIG SET failed (possibly related to argument '${args[i]!}') - can't set immutable config`);
      return;
    }
    changes.push({ name, parameter, value: args[i + 1]! });
  }
  const done: { parameter: Parameter; old: string }[] = [];
  for (const { name, parameter, value } of changes) {
    const old = parameter.get(server);
    const problem = parameter.set!(server, value);
    if (problem !== undefined) {
      for (const undo of done.toReversed()) undo.parameter.set!(server, undo.old);
      reply.error(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`);
      return;
    }
    done.push({ parameter, old });
  }
  reply.ok();
};

export const configResetStat: Run = ({ node, server, reply }) => {
  node.keyspaceHits = 0;
  node.keyspaceMisses = 0;
  node.expiredKeys = 0;
  node.evictedKeys = 0;
  node.commandsProcessed = 0;
  node.connectionsReceived = 0;
  node.rejectedConnections = 0;
  node.netInputBytes = 0;
  node.netOutputBytes = 0;
  server.commandStats.clear();
  server.errorStats.clear();
  reply.ok();
};
