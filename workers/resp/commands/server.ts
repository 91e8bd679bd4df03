import type { Client } from '../clients/server.ts';
import { startMonitor } from '../clients/monitor.ts';
import { invalidateAll } from '../clients/tracking.ts';
import type { Database } from '../keyspace/database.ts';
import { DATABASE_COUNT } from '../keyspace/node.ts';
import { SYNTAX, wrongSubcommand } from '../protocol/errors.ts';
import { parseInteger } from '../protocol/numbers.ts';
import { integerFrom } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { configGet, configResetStat, configRewrite, configSet } from './config.ts';
import { debug } from './debug.ts';
import { info } from './info.ts';
import { keylessRowsOf } from './rows.ts';

function flush(databases: (client: Client) => readonly (Database | undefined)[]): Run {
  return (client, args) => {
    const { node, reply } = client;
    if (args.length > 2 || (args[1] !== undefined && !/^(?:a?sync)$/i.test(args[1]))) {
      reply.error(SYNTAX);
      return;
    }
    node.peakBytes = Math.max(node.peakBytes, node.usedBytes);
    for (const db of databases(client)) {
      if (args[1]?.toLowerCase() === 'async') node.lazyFreed += db?.size ?? 0;
      db?.clear();
    }
    invalidateAll(client.server);
    // Counts as a change even when nothing was there, so that an empty flush is propagated too.
    node.dirty++;
    reply.ok();
  };
}

function time(client: Client): void {
  const now = performance.timeOrigin + performance.now();
  client.reply.bulks([String(Math.floor(now / 1000)), String(Math.floor((now % 1000) * 1000))]);
}

function swapDb(client: Client, args: readonly string[]): void {
  const { node, reply } = client;
  const first = parseInteger(args[1]!);
  const second = parseInteger(args[2]!);
  if (first === undefined || Math.abs(first) > 2 ** 31 - 1) {
    reply.error('ERR invalid first DB index');
    return;
  }
  if (second === undefined || Math.abs(second) > 2 ** 31 - 1) {
    reply.error('ERR invalid second DB index');
    return;
  }
  if (Math.min(first, second) < 0 || Math.max(first, second) >= DATABASE_COUNT) {
    reply.error('ERR DB index is out of range');
    return;
  }
  const a = node.database(first);
  const b = node.database(second);
  if (a !== b) a.swap(b);
  node.dirty++;
  reply.ok();
}

function role({ reply }: Client): void {
  reply.array(3);
  reply.bulk('master');
  reply.integer(0);
  reply.array(0);
}

function slowLogGet(client: Client, args: readonly string[]): void {
  const { reply, server } = client;
  let count = 10;
  if (args.length > 3) {
    reply.error(wrongSubcommand('SLOWLOG', args[1]!));
    return;
  }
  if (args.length === 3) {
    const wanted = integerFrom(client, args[2]!, -1, 'ERR count should be greater than or equal to -1');
    if (wanted === undefined) return;
    count = wanted === -1 ? server.slowLog.length : wanted;
  }
  const shown = server.slowLog.slice(0, count);
  reply.array(shown.length);
  for (const entry of shown) {
    reply.array(6);
    reply.integer(entry.id);
    reply.integer(entry.atSeconds);
    reply.integer(entry.microseconds);
    reply.bulks(entry.args);
    reply.bulk(entry.address);
    reply.bulk(entry.name);
  }
}

function slowLogReset({ server, reply }: Client): void {
  server.slowLog = [];
  reply.ok();
}

const row = keylessRowsOf('server');

const ADMIN = 'admin noscript loading stale';

export const serverCommands: readonly CommandSpec[] = [
  {
    ...row('info', -1, 'loading stale', '1.0.0', 'Returns information and statistics about the server.', info),
    acl: 'dangerous',
  },
  {
    ...row('dbsize', 1, 'readonly fast', '1.0.0', 'Returns the number of keys in the database.', ({ db, reply }) =>
      reply.integer(db.size),
    ),
    acl: 'keyspace',
  },
  {
    ...row(
      'flushdb',
      -1,
      'write',
      '1.0.0',
      'Removes all keys from the current database.',
      flush(({ db }) => [db]),
    ),
    acl: 'keyspace dangerous',
  },
  {
    ...row(
      'flushall',
      -1,
      'write',
      '1.0.0',
      'Removes all keys from all databases.',
      flush(({ node }) => node.databases),
    ),
    acl: 'keyspace dangerous',
  },
  row('time', 1, 'loading stale fast', '2.6.0', 'Returns the server time.', time),
  {
    ...row('role', 1, 'noscript loading stale fast', '2.8.12', 'Returns the replication role.', role),
    acl: 'admin dangerous',
  },
  { ...row('swapdb', 3, 'write fast', '4.0.0', 'Swaps two Redis databases.', swapDb), acl: 'keyspace dangerous' },
  row('monitor', 1, ADMIN, '1.0.0', 'Listens for all requests received by the server in real time.', (client) => {
    startMonitor(client);
    client.reply.ok();
  }),
  row('debug', -2, ADMIN, '1.0.0', 'A container for debugging commands.', debug),
  {
    ...row('config', -2, '', '2.0.0', 'A container for server configuration commands.'),
    subcommands: [
      row('get', -3, ADMIN, '2.0.0', 'Returns the effective values of configuration parameters.', configGet),
      row('set', -4, ADMIN, '2.0.0', 'Sets configuration parameters in-flight.', configSet),
      row('resetstat', 2, ADMIN, '2.0.0', "Resets the server's statistics.", configResetStat),
      row('rewrite', 2, ADMIN, '2.8.0', 'Persists the effective configuration to file.', configRewrite),
    ],
  },
  {
    ...row('slowlog', -2, '', '2.2.12', 'A container for slow log commands.'),
    subcommands: [
      row('get', -2, 'admin loading stale', '2.2.12', "Returns the slow log's entries.", slowLogGet),
      row(
        'len',
        2,
        'admin loading stale',
        '2.2.12',
        'Returns the number of entries in the slow log.',
        ({ server, reply }) => reply.integer(server.slowLog.length),
      ),
      row('reset', 2, 'admin loading stale', '2.2.12', 'Clears all entries from the slow log.', slowLogReset),
    ],
  },
];
