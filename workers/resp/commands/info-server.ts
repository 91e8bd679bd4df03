import { NODE_BYTES } from '../clients/overhead.ts';
import { createHash } from 'node:crypto';
import { release, totalmem, type } from 'node:os';
import type { Server } from '../clients/server.ts';
import { isWaiting, visibleClients } from '../clients/visible.ts';
import { memoryOf } from '../clients/memory.ts';
import { numberSetting } from '../config/settings.ts';
import { clock } from '../keyspace/clock.ts';
import { REDIS_VERSION } from '../version.ts';
import { human } from './info-lines.ts';
import type { Lines } from './info-lines.ts';

/** What tells one server from another; a tenant's node has one of its own, which says nothing of the process it is in. */
function runIdOf({ host, node }: Server): string {
  return host.standalone ? host.runId : createHash('sha1').update(`${host.runId}:${node.id}`).digest('hex');
}

export const serverLines = (server: Server): Lines => {
  const { host, node } = server;
  const alone = host.standalone;
  const uptime = Math.max(0, Math.floor((clock.now - (alone ? host.startedAtMs : node.createdAtMs)) / 1000));
  return [
    ['redis_version', REDIS_VERSION],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', '0000000000000000'],
    ['redis_mode', 'standalone'],
    ['os', alone ? `${type()} ${release()} ${process.arch}` : type()],
    ['arch_bits', 64],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'libuv'],
    ['atomicvar_api', 'c11-builtin'],
    ['gcc_version', '0.0.0'],
    ['process_id', alone ? process.pid : 1],
    ['process_supervised', 'no'],
    ['run_id', runIdOf(server)],
    ['tcp_port', host.port],
    ['server_time_usec', Math.floor((performance.timeOrigin + performance.now()) * 1000)],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / 86_400)],
    ['hz', numberSetting(server, 'hz')],
    ['configured_hz', numberSetting(server, 'hz')],
    ['lru_clock', Math.floor(clock.now / 1000) % 2 ** 24],
    ['executable', alone ? process.execPath : ''],
    ['config_file', host.configFile ?? ''],
    ['io_threads_active', 0],
    ['listener0', `name=tcp,bind=${alone ? host.bind : '*'},port=${host.port}`],
  ];
};

export const clientLines = (server: Server): Lines => {
  const all = visibleClients(server);
  const sizes = all.map((client) => client.transport?.sizes() ?? { input: 0, output: 0 });
  return [
    ['connected_clients', all.length],
    ['cluster_connections', 0],
    ['maxclients', server.host.limits.maxClients],
    ['client_recent_max_input_buffer', Math.max(0, ...sizes.map(({ input }) => input))],
    ['client_recent_max_output_buffer', Math.max(0, ...sizes.map(({ output }) => output))],
    ['blocked_clients', all.filter(isWaiting).length],
    [
      'tracking_clients',
      [...(server.tracking?.clients ?? [])].filter((client) => client.tracking !== undefined).length,
    ],
    ['clients_in_timeout_table', all.filter(({ blocked }) => blocked?.timer !== undefined).length],
    ['total_blocking_keys', server.waiting.size],
    ['total_blocking_keys_on_nokey', all.filter(({ blocked }) => blocked?.endsWhenRemoved === true).length],
  ];
};

const percent = (part: number, whole: number): string => `${(whole === 0 ? 0 : (part / whole) * 100).toFixed(2)}%`;

export const memoryLines = (server: Server): Lines => {
  const { node, host } = server;
  node.measure(0);
  const used = node.usedBytes + NODE_BYTES;
  node.peakBytes = Math.max(node.peakBytes, used);
  // A node is no process: what it takes of one is what it uses.
  const rss = host.standalone ? process.memoryUsage.rss() : used;
  const system = host.standalone ? totalmem() : node.maxMemory;
  const clients = visibleClients(server).reduce((sum, client) => sum + memoryOf(client).total, 0);
  const data = used - node.overheadBytes - NODE_BYTES;
  return [
    ['used_memory', used],
    ['used_memory_human', human(used)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', human(rss)],
    ['used_memory_peak', node.peakBytes],
    ['used_memory_peak_human', human(node.peakBytes)],
    ['used_memory_peak_perc', percent(used, node.peakBytes)],
    ['used_memory_overhead', node.overheadBytes + NODE_BYTES],
    ['used_memory_startup', NODE_BYTES],
    ['used_memory_dataset', data],
    ['used_memory_dataset_perc', percent(data, used)],
    ['allocator_allocated', used],
    ['allocator_active', used],
    ['allocator_resident', rss],
    ['total_system_memory', system],
    ['total_system_memory_human', human(system)],
    ...scriptLines(server),
    ['maxmemory', node.maxMemory],
    ['maxmemory_human', human(node.maxMemory)],
    ['maxmemory_policy', node.evictionPolicy],
    ['allocator_frag_ratio', '1.00'],
    ['allocator_frag_bytes', 0],
    ['allocator_rss_ratio', '1.00'],
    ['allocator_rss_bytes', 0],
    ['rss_overhead_ratio', '1.00'],
    ['rss_overhead_bytes', 0],
    ['mem_fragmentation_ratio', used === 0 ? '1.00' : (rss / used).toFixed(2)],
    ['mem_fragmentation_bytes', rss - used],
    ['mem_not_counted_for_evict', 0],
    ['mem_replication_backlog', 0],
    ['mem_total_replication_buffers', 0],
    ['mem_clients_slaves', 0],
    ['mem_clients_normal', clients],
    ['mem_cluster_links', 0],
    ['mem_aof_buffer', 0],
    ['mem_allocator', 'v8'],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', 0],
    ['lazyfreed_objects', node.lazyFreed],
  ];
};

const NO_SCRIPTS = {
  scripts: 0,
  libraries: 0,
  functions: 0,
  evalStateBytes: 0,
  functionStateBytes: 0,
  scriptBytes: 0,
  functionBytes: 0,
};

function scriptLines({ scripting }: Server): Lines {
  const sizes = scripting?.sizes ?? NO_SCRIPTS;
  const states = sizes.evalStateBytes + sizes.functionStateBytes;
  const kept = sizes.scriptBytes + sizes.functionBytes;
  return [
    ['used_memory_lua', sizes.evalStateBytes],
    ['used_memory_vm_eval', sizes.evalStateBytes],
    ['used_memory_lua_human', human(sizes.evalStateBytes)],
    ['used_memory_scripts_eval', sizes.scriptBytes],
    ['number_of_cached_scripts', sizes.scripts],
    ['number_of_functions', sizes.functions],
    ['number_of_libraries', sizes.libraries],
    ['used_memory_vm_functions', sizes.functionStateBytes],
    ['used_memory_vm_total', states],
    ['used_memory_vm_total_human', human(states)],
    ['used_memory_functions', sizes.functionBytes],
    ['used_memory_scripts', kept],
    ['used_memory_scripts_human', human(kept)],
  ];
}

/** Fields in Redis's order; what saves the data knows better than this about most of them, and of some more. */
export const persistenceLines = ({ node, host }: Server): Lines => {
  const failed = node.journal?.failure !== undefined;
  const fields = new Map<string, string | number>([
    ['loading', node.replaying || node.unavailable?.startsWith('LOADING ') === true ? 1 : 0],
    ['async_loading', 0],
    ['current_cow_peak', 0],
    ['current_cow_size', 0],
    ['current_cow_size_age', 0],
    ['current_fork_perc', '0.00'],
    ['current_save_keys_processed', 0],
    ['current_save_keys_total', 0],
    ['rdb_changes_since_last_save', node.dirty],
    ['rdb_bgsave_in_progress', 0],
    ['rdb_last_save_time', Math.floor((host.standalone ? host.startedAtMs : node.createdAtMs) / 1000)],
    ['rdb_last_bgsave_status', 'ok'],
    ['rdb_last_bgsave_time_sec', -1],
    ['rdb_current_bgsave_time_sec', -1],
    ['rdb_saves', 0],
    ['rdb_last_cow_size', 0],
    ['rdb_last_load_keys_expired', 0],
    ['rdb_last_load_keys_loaded', 0],
    ['aof_enabled', node.journal === undefined ? 0 : 1],
    ['aof_rewrite_in_progress', 0],
    ['aof_rewrite_scheduled', 0],
    ['aof_last_rewrite_time_sec', -1],
    ['aof_current_rewrite_time_sec', -1],
    ['aof_last_bgrewrite_status', 'ok'],
    ['aof_rewrites', 0],
    ['aof_rewrites_consecutive_failures', 0],
    ['aof_last_write_status', failed ? 'err' : 'ok'],
    ['aof_last_cow_size', 0],
    ['module_fork_in_progress', 0],
    ['module_fork_last_cow_size', 0],
  ]);
  for (const [name, value] of host.saving?.info() ?? []) fields.set(name, value);
  return [...fields];
};

export const replicationLines = (server: Server): Lines => [
  ['role', 'master'],
  ['connected_slaves', 0],
  ['master_failover_state', 'no-failover'],
  ['master_replid', runIdOf(server)],
  ['master_replid2', '0'.repeat(40)],
  ['master_repl_offset', 0],
  ['second_repl_offset', -1],
  ['repl_backlog_active', 0],
  ['repl_backlog_size', numberSetting(server, 'repl-backlog-size')],
  ['repl_backlog_first_byte_offset', 0],
  ['repl_backlog_histlen', 0],
];

/** For a tenant the time of its own commands: what the process does besides is nobody's business. */
export const cpuLines = ({ host, commandStats }: Server): Lines => {
  const own = (): number => [...commandStats.values()].reduce((sum, { microseconds }) => sum + microseconds, 0);
  const { system, user } = host.standalone ? process.cpuUsage() : { system: 0, user: own() };
  const seconds = (microseconds: number): string => (microseconds / 1e6).toFixed(6);
  return [
    ['used_cpu_sys', seconds(system)],
    ['used_cpu_user', seconds(user)],
    ['used_cpu_sys_children', seconds(0)],
    ['used_cpu_user_children', seconds(0)],
    ['used_cpu_sys_main_thread', seconds(system)],
    ['used_cpu_user_main_thread', seconds(user)],
  ];
};
