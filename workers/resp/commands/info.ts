import type { Client, Server } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { REDIS_VERSION } from '../version.ts';

type Lines = readonly (readonly [name: string, value: string | number])[];

function human(bytes: number): string {
  const units = ['B', 'K', 'M', 'G', 'T'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return unit === 0 ? `${bytes}B` : `${value.toFixed(2)}${units[unit]}`;
}

const server = ({ host }: Server): Lines => {
  const uptime = Math.floor((clock.now - host.startedAtMs) / 1000);
  return [
    ['redis_version', REDIS_VERSION],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', '0'],
    ['redis_mode', 'standalone'],
    ['os', `${process.platform} ${process.arch}`],
    ['arch_bits', 64],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'libuv'],
    ['process_id', process.pid],
    ['run_id', host.runId],
    ['tcp_port', host.port],
    ['server_time_usec', clock.now * 1000],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / 86_400)],
    ['hz', 10],
    ['configured_hz', 10],
    ['executable', ''],
    ['config_file', ''],
  ];
};

const clients = ({ clients, host }: Server): Lines => {
  const all = [...clients.values()];
  return [
    ['connected_clients', all.length],
    ['cluster_connections', 0],
    ['maxclients', host.limits.maxClients],
    ['client_recent_max_input_buffer', 0],
    ['client_recent_max_output_buffer', 0],
    ['blocked_clients', all.filter(({ blocked }) => blocked !== undefined).length],
    ['tracking_clients', 0],
    ['clients_in_timeout_table', all.filter(({ blocked }) => blocked?.timer !== undefined).length],
  ];
};

const memory = ({ node }: Server): Lines => {
  node.peakBytes = Math.max(node.peakBytes, node.usedBytes);
  return [
    ['used_memory', node.usedBytes],
    ['used_memory_human', human(node.usedBytes)],
    ['used_memory_rss', node.usedBytes],
    ['used_memory_rss_human', human(node.usedBytes)],
    ['used_memory_peak', node.peakBytes],
    ['used_memory_peak_human', human(node.peakBytes)],
    ['used_memory_dataset', node.usedBytes],
    ['used_memory_lua', 0],
    ['maxmemory', node.maxMemory],
    ['maxmemory_human', human(node.maxMemory)],
    ['maxmemory_policy', node.evictionPolicy],
    ['mem_fragmentation_ratio', '1.00'],
    ['mem_allocator', 'v8'],
  ];
};

const persistence = ({ node, host }: Server): Lines => [
  ['loading', node.replaying || node.unavailable?.startsWith('LOADING ') === true ? 1 : 0],
  ['async_loading', 0],
  ...(host.saving?.info() ?? [
    ['rdb_changes_since_last_save', node.dirty],
    ['rdb_bgsave_in_progress', 0],
    ['rdb_last_save_time', Math.floor(host.startedAtMs / 1000)],
    ['rdb_last_bgsave_status', 'ok'],
    ['aof_enabled', node.journal === undefined ? 0 : 1],
    ['aof_rewrite_in_progress', 0],
    ['aof_last_write_status', node.journal?.failure === undefined ? 'ok' : 'err'],
  ]),
];

const stats = ({ node, channels, patterns, shardChannels }: Server): Lines => [
  ['total_connections_received', node.connectionsReceived],
  ['total_commands_processed', node.commandsProcessed],
  ['total_net_input_bytes', node.netInputBytes],
  ['total_net_output_bytes', node.netOutputBytes],
  ['rejected_connections', node.rejectedConnections],
  ['expired_keys', node.expiredKeys],
  ['evicted_keys', node.evictedKeys],
  ['keyspace_hits', node.keyspaceHits],
  ['keyspace_misses', node.keyspaceMisses],
  ['pubsub_channels', channels.size],
  ['pubsub_patterns', patterns.size],
  ['pubsubshard_channels', shardChannels.size],
];

const replication = ({ host }: Server): Lines => [
  ['role', 'master'],
  ['connected_slaves', 0],
  ['master_failover_state', 'no-failover'],
  ['master_replid', host.runId],
  ['master_replid2', '0'.repeat(40)],
  ['master_repl_offset', 0],
  ['second_repl_offset', -1],
  ['repl_backlog_active', 0],
];

const cpu = (): Lines => {
  const { system, user } = process.cpuUsage();
  return [
    ['used_cpu_sys', (system / 1e6).toFixed(6)],
    ['used_cpu_user', (user / 1e6).toFixed(6)],
  ];
};

const commandStats = ({ commandStats }: Server): Lines =>
  [...commandStats].map(([name, { calls, microseconds, rejected, failed }]) => [
    `cmdstat_${name}`,
    `calls=${calls},usec=${Math.round(microseconds)},usec_per_call=${(calls === 0 ? 0 : microseconds / calls).toFixed(2)},rejected_calls=${rejected},failed_calls=${failed}`,
  ]);

const errorStats = ({ errorStats }: Server): Lines =>
  [...errorStats].map(([code, count]) => [`errorstat_${code}`, `count=${count}`]);

const keyspace = ({ node }: Server): Lines =>
  node.databases.flatMap((db) =>
    db === undefined || db.size === 0
      ? []
      : [[`db${db.index}`, `keys=${db.size},expires=${db.expires.size},avg_ttl=0`]],
  );

interface Section {
  readonly title: string;
  readonly lines: (server: Server) => Lines;
  /** Shown only when asked for by name or with ALL. */
  readonly extra?: boolean;
}

const sections: ReadonlyMap<string, Section> = new Map<string, Section>([
  ['server', { title: 'Server', lines: server }],
  ['clients', { title: 'Clients', lines: clients }],
  ['memory', { title: 'Memory', lines: memory }],
  ['persistence', { title: 'Persistence', lines: persistence }],
  ['stats', { title: 'Stats', lines: stats }],
  ['replication', { title: 'Replication', lines: replication }],
  ['cpu', { title: 'CPU', lines: cpu }],
  ['modules', { title: 'Modules', lines: () => [] }],
  ['commandstats', { title: 'Commandstats', lines: commandStats, extra: true }],
  ['errorstats', { title: 'Errorstats', lines: errorStats }],
  ['latencystats', { title: 'Latencystats', lines: () => [], extra: true }],
  ['cluster', { title: 'Cluster', lines: () => [['cluster_enabled', 0]] }],
  ['keyspace', { title: 'Keyspace', lines: keyspace }],
]);

/** INFO: the sections asked for, or Redis's default selection. */
export function info(client: Client, args: readonly string[]): void {
  const names = new Set(args.slice(1).map((name) => name.toLowerCase()));
  const everything = names.has('all') || names.has('everything');
  const usual = names.size === 0 || names.has('default') || everything;
  const shown = [...sections].filter(
    ([name, { extra }]) => names.has(name) || (usual && (everything || extra !== true)),
  );
  const text = shown.map(([, { title, lines }]) => {
    const body = lines(client.server).map(([name, value]) => `${name}:${value}\r\n`);
    return `# ${title}\r\n${body.join('')}`;
  });
  client.reply.verbatim(text.join('\r\n'));
}
