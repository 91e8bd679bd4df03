import type { Client } from '../clients/server.ts';
import type { CommandSpec, Run } from './command.ts';
import { keylessRowsOf } from './rows.ts';

/**
 * Commands that are known and refused: they would connect this server to addresses of a client's choosing, load code, or
 * belong to a cluster. They are rows like all others, so that COMMAND and ACL rules know them.
 */
const NOT_HERE = 'is not available here: it would reach other servers from inside the network';
const NO_REPLICAS = 'ERR There is no replication here: take an RDB file, or a backup of the node, instead.';
const NO_MODULES = 'ERR MODULE is not available here: there are no modules.';
const NO_CLUSTER = 'ERR This instance has cluster support disabled';

const row = keylessRowsOf('server');

const refuse =
  (error: string): Run =>
  ({ reply }) =>
    reply.error(error);

/** The key, or with an empty one those after KEYS. */
function migratedKeys(args: readonly string[]): number[] {
  if (args[3] !== '') return [3];
  for (let i = 6; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    if (option === 'AUTH') i++;
    else if (option === 'AUTH2') i += 2;
    else if (option === 'KEYS') return args.slice(i + 1).map((_, k) => i + 1 + k);
  }
  return [];
}

const ADMIN = 'admin noscript stale';

/** CLUSTER's subcommands: name, arity, since, flags. */
const CLUSTER_LINES = `
addslots -3 3.0.0 no_async_loading admin stale
addslotsrange -4 7.0.0 no_async_loading admin stale
bumpepoch 2 3.0.0 no_async_loading admin stale
count-failure-reports 3 3.0.0 admin stale
countkeysinslot 3 3.0.0 stale
delslots -3 3.0.0 no_async_loading admin stale
delslotsrange -4 7.0.0 no_async_loading admin stale
failover -2 3.0.0 no_async_loading admin stale
flushslots 2 3.0.0 no_async_loading admin stale
forget 3 3.0.0 no_async_loading admin stale
getkeysinslot 4 3.0.0 stale
help 2 5.0.0 loading stale
info 2 3.0.0 stale
keyslot 3 3.0.0 stale
links 2 7.0.0 stale
meet -4 3.0.0 no_async_loading admin stale
myid 2 3.0.0 stale
myshardid 2 7.2.0 stale
nodes 2 3.0.0 stale
replicas 3 5.0.0 admin stale
replicate 3 3.0.0 no_async_loading admin stale
reset -2 3.0.0 admin stale noscript
saveconfig 2 3.0.0 no_async_loading admin stale
set-config-epoch 3 3.0.0 no_async_loading admin stale
setslot -4 3.0.0 no_async_loading admin stale
shards 2 7.0.0 loading stale
slaves 3 3.0.0 admin stale
slots 2 3.0.0 loading stale
`;

function ofCluster(line: string): CommandSpec {
  const [name, arity, since, ...flags] = line.split(' ');
  const spec = row(
    name!,
    Number(arity),
    flags.join(' '),
    since!,
    'Belongs to a cluster, which this is not.',
    refuse(NO_CLUSTER),
  );
  return { ...spec, group: 'cluster' };
}

/** Loading code is nobody's right; that there is none may be asked by those who administrate. */
const moduleSubcommands: readonly CommandSpec[] = [
  row('list', 2, 'admin noscript', '4.0.0', 'Returns all loaded modules.', ({ reply }) => reply.array(0)),
  ...(
    [
      ['load', -3, '4.0.0'],
      ['loadex', -3, '7.0.0'],
      ['unload', 3, '4.0.0'],
    ] as const
  ).map(([name, arity, since]) =>
    row(name, arity, 'no_async_loading admin noscript', since, 'Loads or unloads a module.', refuse(NO_MODULES)),
  ),
];

/** A server of its own follows nobody, so that it may be told to stop; what follows whom on the platform is the platform's. */
function replicaOf(name: string): Run {
  return ({ server, reply }, args) => {
    const nobody = args[1]!.toLowerCase() === 'no' && args[2]!.toLowerCase() === 'one';
    if (nobody && server.host.standalone) reply.ok();
    else reply.error(`ERR ${name} ${NOT_HERE}.`);
  };
}

function failover({ reply }: Client, args: readonly string[]): void {
  const aborts = args.length === 2 && args[1]!.toLowerCase() === 'abort';
  reply.error(aborts ? 'ERR No failover in progress.' : 'ERR FAILOVER requires connected replicas.');
}

const REPLICATES = 'no_async_loading admin no_multi noscript';
const replicaFlags = `${ADMIN} no_async_loading`;

export const withheldCommands: readonly CommandSpec[] = [
  {
    ...row('migrate', -6, 'write', '2.6.0', 'Moves keys to another Redis server.', refuse(`ERR MIGRATE ${NOT_HERE}.`)),
    keys: migratedKeys,
    group: 'generic',
    acl: 'dangerous',
  },
  row('replicaof', 3, replicaFlags, '5.0.0', 'Makes a replica of it.', replicaOf('REPLICAOF')),
  row('slaveof', 3, replicaFlags, '1.0.0', 'Makes a replica of it.', replicaOf('SLAVEOF')),
  row('psync', -3, REPLICATES, '2.8.0', 'Belongs to replication, which there is none of.', refuse(NO_REPLICAS)),
  row('sync', 1, REPLICATES, '1.0.0', 'Belongs to replication, which there is none of.', refuse(NO_REPLICAS)),
  row(
    'replconf',
    -1,
    'admin noscript loading stale allow_busy',
    '3.0.0',
    'Belongs to replication, which there is none of.',
    refuse(NO_REPLICAS),
  ),
  row('failover', -1, ADMIN, '6.2.0', 'Starts a failover to a replica.', failover),
  {
    ...row('module', -2, '', '4.0.0', 'A container for module commands.', refuse(NO_MODULES)),
    subcommands: moduleSubcommands,
  },
  {
    ...row('cluster', -2, '', '3.0.0', 'A container for cluster commands.', refuse(NO_CLUSTER)),
    group: 'cluster',
    subcommands: CLUSTER_LINES.trim().split('\n').map(ofCluster),
  },
  ...(
    [
      ['readonly', 'loading stale fast'],
      ['readwrite', 'loading stale fast'],
      ['asking', 'fast'],
    ] as const
  ).map(([name, flags]) => ({
    ...row(name, 1, flags, '3.0.0', 'Belongs to a cluster, which this is not.', refuse(NO_CLUSTER)),
    group: 'cluster',
    acl: 'connection',
  })),
];
