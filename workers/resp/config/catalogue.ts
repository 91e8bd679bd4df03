/** One parameter of CONFIG: what it may be, and what it is unless something else was said. */
export interface Parameter {
  readonly name: string;
  /** The name it had before, by which it is still known. */
  readonly alias: string | undefined;
  readonly kind: 'yesno' | 'enum' | 'integer' | 'memory' | 'octal' | 'text' | 'numbers' | 'other';
  readonly initial: string;
  /** The words an enum may be. */
  readonly choices: readonly string[];
  /** An enum of several words. */
  readonly many: boolean;
  readonly min: bigint;
  readonly max: bigint;
  /** Only said when the server starts. */
  readonly immutable: boolean;
  /** Shown only when asked for by its full name. */
  readonly hidden: boolean;
  /** Holds a secret. */
  readonly sensitive: boolean;
  /** About the machine rather than the data. */
  readonly guarded: boolean;
}

/**
 * The parameters of Redis 7.2 by kind. Before the name stand marks (`!` immutable, `.` hidden, `$` secret, `#` guarded), after a
 * slash its alias, then the initial value, then what it may be. A `+` before the choices allows several of them.
 */
const LINES = `
== yes
!rdbchecksum protected-mode rdbcompression activerehashing stop-writes-on-bgsave-error !set-proc-title dynamic-hz
repl-diskless-sync aof-rewrite-incremental-fsync cluster-require-full-coverage rdb-save-incremental-fsync aof-load-truncated
aof-use-rdb-preamble replica-serve-stale-data/slave-serve-stale-data replica-read-only/slave-read-only
replica-ignore-maxmemory/slave-ignore-maxmemory jemalloc-bg-thread cluster-allow-pubsubshard-when-down crash-log-enabled
crash-memcheck-enabled !disable-thp cluster-allow-replica-migration replica-announced latency-tracking
== no
!daemonize !io-threads-do-reads !always-show-logo rdb-del-sync-files lazyfree-lazy-eviction lazyfree-lazy-expire
lazyfree-lazy-server-del lazyfree-lazy-user-del lazyfree-lazy-user-flush repl-disable-tcp-nodelay no-appendfsync-on-rewrite
aof-timestamp-enabled cluster-replica-no-failover/cluster-slave-no-failover replica-lazy-flush/slave-lazy-flush activedefrag
!syslog-enabled !cluster-enabled appendonly cluster-allow-reads-when-down .use-exit-on-panic .aof-disable-auto-gc
replica-ignore-disk-write-errors
== enum
!supervised no upstart|systemd|auto|no
!syslog-facility local0 user|local0|local1|local2|local3|local4|local5|local6|local7
repl-diskless-load disabled disabled|on-empty-db|swapdb
loglevel notice debug|verbose|notice|warning|nothing
maxmemory-policy noeviction volatile-lru|volatile-lfu|volatile-random|volatile-ttl|allkeys-lru|allkeys-lfu|allkeys-random|noeviction
appendfsync everysec everysec|always|no
oom-score-adj no no|yes|relative|absolute
acl-pubsub-default resetchannels allchannels|resetchannels
sanitize-dump-payload no no|yes|clients
!enable-protected-configs no no|yes|local
!enable-debug-command no no|yes|local
!enable-module-command no no|yes|local
cluster-preferred-endpoint-type ip ip|hostname|unknown-endpoint
propagation-error-behavior ignore ignore|panic|panic-on-replicas
shutdown-on-sigint default +default|save|nosave|now|force
shutdown-on-sigterm default +default|save|nosave|now|force
== integer
!databases 16 1..int
port 6379 0..65535
!io-threads 1 1..128
auto-aof-rewrite-percentage 100 0..int
cluster-replica-validity-factor/cluster-slave-validity-factor 10 0..int
list-max-listpack-size/list-max-ziplist-size -2 -int..int
tcp-keepalive 300 0..int
cluster-migration-barrier 1 0..int
active-defrag-cycle-min 1 1..99
active-defrag-cycle-max 25 1..99
active-defrag-threshold-lower 10 0..1000
active-defrag-threshold-upper 100 0..1000
lfu-log-factor 10 0..int
lfu-decay-time 1 0..int
replica-priority/slave-priority 100 0..int
repl-diskless-sync-delay 5 0..int
maxmemory-samples 5 1..int
maxmemory-eviction-tenacity 10 0..100
timeout 0 0..int
replica-announce-port/slave-announce-port 0 0..65535
!tcp-backlog 511 0..int
!cluster-port 0 0..65535
cluster-announce-bus-port 0 0..65535
cluster-announce-port 0 0..65535
cluster-announce-tls-port 0 0..65535
repl-timeout 60 1..int
repl-ping-replica-period/repl-ping-slave-period 10 1..int
list-compress-depth 0 0..int
.rdb-key-save-delay 0 -int..int
.key-load-delay 0 -int..int
active-expire-effort 1 1..10
hz 10 0..int
min-replicas-to-write/min-slaves-to-write 0 0..int
min-replicas-max-lag/min-slaves-max-lag 10 0..int
.watchdog-period 0 0..int
shutdown-timeout 10 0..int
repl-diskless-sync-max-replicas 0 0..int
maxclients 10000 1..uint
!socket-mark-id 0 0..uint
!.client-default-resp 2 2..3
active-defrag-max-scan-fields 1000 1..long
slowlog-max-len 128 0..long
acllog-max-len 128 0..long
busy-reply-threshold/lua-time-limit 5000 0..long
cluster-node-timeout 15000 0..long
.cluster-ping-interval 0 0..long
slowlog-log-slower-than 10000 -1..long
latency-monitor-threshold 0 0..long
stream-node-max-entries 100 0..long
hash-max-listpack-entries/hash-max-ziplist-entries 512 0..long
set-max-intset-entries 512 0..long
set-max-listpack-entries 128 0..long
set-max-listpack-value 64 0..long
zset-max-listpack-entries/zset-max-ziplist-entries 128 0..long
tracking-table-max-keys 1000000 0..long
repl-backlog-ttl 3600 0..long
.loading-process-events-interval-bytes 2097152 1024..int
== memory
proto-max-bulk-len 536870912 1048576..long
repl-backlog-size 1048576 1..long
maxmemory 0 0..ulong
cluster-link-sendbuf-limit 0 0..ulong
active-defrag-ignore-bytes 104857600 1..long
hash-max-listpack-value/hash-max-ziplist-value 64 0..long
stream-node-max-bytes 4096 0..long
zset-max-listpack-value/zset-max-ziplist-value 64 0..long
hll-sparse-max-bytes 3000 0..long
client-query-buffer-limit 1073741824 1048576..long
maxmemory-clients 0 -100..long
auto-aof-rewrite-min-size 67108864 0..long
== octal
!unixsocketperm 0 0..777
== text
!aclfile
!unixsocket
!pidfile
replica-announce-ip/slave-announce-ip
$masteruser
cluster-announce-ip
!cluster-config-file nodes.conf
cluster-announce-hostname
cluster-announce-human-nodename
!syslog-ident redis
#dbfilename dump.rdb
!appendfilename appendonly.aof
!appenddirname appendonlydir
!server_cpulist
!bio_cpulist
!aof_rewrite_cpulist
!bgsave_cpulist
ignore-warnings
proc-title-template {title} {listen-addr} {server-mode}
bind-source-addr
!logfile
!.req-res-logfile
locale-collate
$masterauth
$requirepass
#dir
bind * -::*
== numbers
save 900 1 300 10 60 10000
oom-score-adj-values 0 200 800
latency-tracking-info-percentiles 50 99 99.9
== other
client-output-buffer-limit normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60
notify-keyspace-events
!replicaof/slaveof
`;

const LIMITS: Readonly<Record<string, bigint>> = {
  int: 2n ** 31n - 1n,
  '-int': -(2n ** 31n),
  uint: 2n ** 32n - 1n,
  long: 2n ** 63n - 1n,
  ulong: 2n ** 64n - 1n,
};

function limit(text: string, kind: string): bigint {
  return LIMITS[text] ?? (kind === 'octal' ? BigInt(Number.parseInt(text, 8)) : BigInt(text));
}

function parameter(kind: Parameter['kind'], marked: string, initial: string, rest: string): Parameter {
  const [, marks, name, alias] = /^([!.$#]*)([^/]+)(?:\/(.+))?$/.exec(marked)!;
  const ranged = kind === 'integer' || kind === 'memory' || kind === 'octal';
  const [min, max] = ranged ? rest.split('..') : ['0', '0'];
  return {
    name: name!,
    alias,
    kind,
    initial,
    choices: kind === 'enum' ? rest.replace('+', '').split('|') : [],
    many: rest.startsWith('+'),
    min: limit(min!, kind),
    max: limit(max!, kind),
    immutable: marks!.includes('!'),
    hidden: marks!.includes('.'),
    sensitive: marks!.includes('$'),
    guarded: marks!.includes('#'),
  };
}

function read(): Parameter[] {
  const found: Parameter[] = [];
  let kind = '';
  for (const line of LINES.trim().split('\n')) {
    if (line.startsWith('== ')) kind = line.slice(3);
    else if (kind === 'yes' || kind === 'no') {
      for (const word of line.split(' ')) found.push(parameter('yesno', word, kind, ''));
    } else {
      const [marked, ...words] = line.split(' ');
      const plain = kind === 'text' || kind === 'numbers' || kind === 'other';
      const initial = plain ? words.join(' ') : words[0]!;
      found.push(parameter(kind as Parameter['kind'], marked!, initial, plain ? '' : words[1]!));
    }
  }
  return found;
}

const list = read();
const byName = new Map<string, Parameter>();
for (const found of list) {
  byName.set(found.name, found);
  if (found.alias !== undefined) byName.set(found.alias, found);
}

/** The parameter of a name or alias, in any case. */
export function parameterOf(name: string): Parameter | undefined {
  return byName.get(name.toLowerCase());
}

/** All names and aliases with their parameters. */
export function everyName(): ReadonlyMap<string, Parameter> {
  return byName;
}
