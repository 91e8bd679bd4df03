import type { CommandSpec } from './command.ts';

/**
 * Commands that are known and refused: they would connect this server to addresses of a client's choosing, load code, or
 * belong to a cluster. They are rows like all others, so that COMMAND and ACL rules know them.
 */
const NOT_HERE = 'is not available here: it would reach other servers from inside the network';
const NO_CLUSTER = 'ERR This instance has cluster support disabled';

const row = (
  name: string,
  arity: number,
  flags: string,
  since: string,
  summary: string,
  error: string,
): CommandSpec => ({
  name,
  arity,
  flags,
  group: 'server',
  since,
  summary,
  run: ({ reply }) => reply.error(error),
});

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

export const withheldCommands: readonly CommandSpec[] = [
  {
    ...row('migrate', -6, 'write', '2.6.0', 'Moves keys to another Redis server.', `ERR MIGRATE ${NOT_HERE}.`),
    keys: migratedKeys,
    group: 'generic',
    acl: 'dangerous',
  },
  row('replicaof', 3, `${ADMIN} no_async_loading`, '5.0.0', 'Makes a replica of it.', `ERR REPLICAOF ${NOT_HERE}.`),
  row('slaveof', 3, `${ADMIN} no_async_loading`, '1.0.0', 'Makes a replica of it.', `ERR SLAVEOF ${NOT_HERE}.`),
  row('failover', -1, ADMIN, '6.2.0', 'Starts a failover to a replica.', 'ERR FAILOVER requires connected replicas.'),
  row(
    'module',
    -2,
    '',
    '4.0.0',
    'A container for module commands.',
    'ERR MODULE is not available here: there are no modules.',
  ),
  { ...row('cluster', -2, '', '3.0.0', 'A container for cluster commands.', NO_CLUSTER), group: 'cluster' },
  {
    ...row('readonly', 1, 'loading stale fast', '3.0.0', 'Enables reads of replicas.', NO_CLUSTER),
    group: 'cluster',
    acl: 'connection',
  },
  {
    ...row('readwrite', 1, 'loading stale fast', '3.0.0', 'Disables reads of replicas.', NO_CLUSTER),
    group: 'cluster',
    acl: 'connection',
  },
  {
    ...row('asking', 1, 'fast', '3.0.0', 'Follows an -ASK redirect.', NO_CLUSTER),
    group: 'cluster',
    acl: 'connection',
  },
];
