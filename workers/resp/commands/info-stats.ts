import { percentile } from '../clients/latency-histogram.ts';
import type { Server } from '../clients/server.ts';
import { setting } from '../config/settings.ts';
import { clock } from '../keyspace/clock.ts';
import type { Database } from '../keyspace/database.ts';
import type { Lines } from './info-lines.ts';

/** Counters at a time, and what they grew by a second before that. */
interface Rates {
  readonly atMs: number;
  readonly counters: readonly number[];
  readonly perSecond: readonly number[];
}

const rates = new WeakMap<Server, Rates>();

/**
 * How fast commands, input, output and reads grow: since INFO was last asked for, when that is long enough ago. Nothing is
 * measured meanwhile, so that an idle node costs nothing.
 */
function ratesOf(server: Server): readonly number[] {
  const { commandsProcessed, netInputBytes, netOutputBytes, readsProcessed, createdAtMs } = server.node;
  const counters = [commandsProcessed, netInputBytes, netOutputBytes, readsProcessed];
  const before = rates.get(server) ?? { atMs: createdAtMs, counters: [0, 0, 0, 0], perSecond: [0, 0, 0, 0] };
  const seconds = (clock.now - before.atMs) / 1000;
  if (seconds < 0.1) return before.perSecond;
  // A counter that is smaller than it was has been reset.
  const growth = counters.map((value, i) => (value < before.counters[i]! ? value : value - before.counters[i]!));
  const perSecond = growth.map((grown) => grown / seconds);
  rates.set(server, { atMs: clock.now, counters, perSecond });
  return perSecond;
}

function loopLines({ host, node }: Server): Lines {
  // The loop of the process serves others too; of a node's own share only the commands are known.
  const busy = host.standalone ? performance.eventLoopUtilization().active * 1000 : 0;
  return [
    ['eventloop_cycles', node.readsProcessed],
    ['eventloop_duration_sum', Math.floor(busy)],
  ];
}

const commandMicroseconds = ({ commandStats }: Server): number =>
  Math.floor([...commandStats.values()].reduce((sum, { microseconds }) => sum + microseconds, 0));

export const statsLines = (server: Server): Lines => {
  const { node, channels, patterns, shardChannels, tracking } = server;
  const [commands = 0, input = 0, output = 0, reads = 0] = ratesOf(server);
  const cycleMicroseconds = commandMicroseconds(server) / Math.max(1, node.readsProcessed);
  const readers = [...(tracking?.readers.values() ?? [])];
  const prefixes = new Set([...(tracking?.clients ?? [])].flatMap((client) => client.tracking?.prefixes ?? []));
  return [
    ['total_connections_received', node.connectionsReceived],
    ['total_commands_processed', node.commandsProcessed],
    ['instantaneous_ops_per_sec', Math.round(commands)],
    ['total_net_input_bytes', node.netInputBytes],
    ['total_net_output_bytes', node.netOutputBytes],
    ['total_net_repl_input_bytes', 0],
    ['total_net_repl_output_bytes', 0],
    ['instantaneous_input_kbps', (input / 1024).toFixed(2)],
    ['instantaneous_output_kbps', (output / 1024).toFixed(2)],
    ['instantaneous_input_repl_kbps', '0.00'],
    ['instantaneous_output_repl_kbps', '0.00'],
    ['rejected_connections', node.rejectedConnections],
    ...(node.rateLimits === undefined ? [] : [['throttled_reads', node.throttledReads] as const]),
    ['sync_full', 0],
    ['sync_partial_ok', 0],
    ['sync_partial_err', 0],
    ['expired_keys', node.expiredKeys],
    ['expired_stale_perc', '0.00'],
    ['expired_time_cap_reached_count', 0],
    ['expire_cycle_cpu_milliseconds', 0],
    ['evicted_keys', node.evictedKeys],
    ['evicted_clients', server.evictedClients],
    ['total_eviction_exceeded_time', 0],
    ['current_eviction_exceeded_time', 0],
    ['keyspace_hits', node.keyspaceHits],
    ['keyspace_misses', node.keyspaceMisses],
    ['pubsub_channels', channels.size],
    ['pubsub_patterns', patterns.size],
    ['pubsubshard_channels', shardChannels.size],
    ['latest_fork_usec', 0],
    ['total_forks', 0],
    ['migrate_cached_sockets', 0],
    ['slave_expires_tracked_keys', 0],
    ['active_defrag_hits', 0],
    ['active_defrag_misses', 0],
    ['active_defrag_key_hits', 0],
    ['active_defrag_key_misses', 0],
    ['total_active_defrag_time', 0],
    ['current_active_defrag_time', 0],
    ['tracking_total_keys', readers.length],
    ['tracking_total_items', readers.reduce((sum, { size }) => sum + size, 0)],
    ['tracking_total_prefixes', prefixes.size],
    ['unexpected_error_replies', 0],
    ['total_error_replies', server.totalErrors],
    ['dump_payload_sanitizations', 0],
    ['total_reads_processed', node.readsProcessed],
    ['total_writes_processed', node.writesProcessed],
    ['io_threaded_reads_processed', 0],
    ['io_threaded_writes_processed', 0],
    ['reply_buffer_shrinks', 0],
    ['reply_buffer_expands', 0],
    ...loopLines(server),
    ['eventloop_duration_cmd_sum', commandMicroseconds(server)],
    ['instantaneous_eventloop_cycles_per_sec', Math.ceil(reads)],
    ['instantaneous_eventloop_duration_usec', Math.ceil(cycleMicroseconds)],
    ['acl_access_denied_auth', server.aclDenied?.auth ?? 0],
    ['acl_access_denied_cmd', server.aclDenied?.command ?? 0],
    ['acl_access_denied_key', server.aclDenied?.key ?? 0],
    ['acl_access_denied_channel', server.aclDenied?.channel ?? 0],
  ];
};

export const commandLines = ({ commandStats }: Server): Lines =>
  [...commandStats].map(([name, { calls, microseconds, rejected, failed }]) => [
    `cmdstat_${name}`,
    `calls=${calls},usec=${Math.round(microseconds)},usec_per_call=${(calls === 0 ? 0 : microseconds / calls).toFixed(2)},rejected_calls=${rejected},failed_calls=${failed}`,
  ]);

export const errorLines = ({ errorStats }: Server): Lines =>
  [...errorStats].map(([code, count]) => [`errorstat_${code}`, `count=${count}`]);

export const latencyLines = (server: Server): Lines => {
  const wanted = setting(server, 'latency-tracking-info-percentiles');
  const percents = wanted === '' ? [] : wanted.split(' ');
  return [...server.commandStats].flatMap(([name, { histogram }]) => {
    if (histogram === undefined) return [];
    const values = percents.map((percent) => `p${percent}=${percentile(histogram, Number(percent)).toFixed(3)}`);
    return [[`latency_percentiles_usec_${name}`, values.join(',')]];
  });
};

const SAMPLES = 20;

/** The mean time that keys with an expiry have left, of some of them; 0 when none has one. */
function averageTtl(db: Database): number {
  let sum = 0;
  const count = Math.min(SAMPLES, db.expires.size);
  for (let i = 0; i < count; i++) {
    const key = db.expires.randomKey();
    if (key !== undefined) sum += Math.max(0, (db.expires.get(key) ?? clock.now) - clock.now);
  }
  return count === 0 ? 0 : Math.floor(sum / count);
}

export const keyspaceLines = ({ node }: Server): Lines =>
  node.databases.flatMap((db) =>
    db === undefined || db.size === 0
      ? []
      : [[`db${db.index}`, `keys=${db.size},expires=${db.expires.size},avg_ttl=${averageTtl(db)}`]],
  );

export const debugLines = (server: Server): Lines => {
  const busy = server.host.standalone ? performance.eventLoopUtilization().active * 1000 : 0;
  return [
    ['eventloop_duration_aof_sum', 0],
    ['eventloop_duration_cron_sum', Math.floor(busy)],
    ['eventloop_duration_max', Math.floor(busy)],
    ['eventloop_cmd_per_cycle_max', 1],
  ];
};
