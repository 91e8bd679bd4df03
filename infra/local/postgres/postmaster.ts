import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'pg';

import { follow, type Launched } from '../launch.ts';
import { type Account, reachableName } from './account.ts';
import type { PostgresBinaries } from './binaries.ts';
import { superuser } from './cluster.ts';

/** What a server needs to be started. */
export interface PostmasterOptions {
  readonly folder: string;
  readonly port: number;
  readonly password: string;
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
}

/**
 * Durable first (`synchronous_commit`, `fsync` and `full_page_writes` stay on), loopback only, and sized for one machine that runs
 * other things too. Parallel queries are off because small containers have no /dev/shm to speak of.
 */
const settings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  superuser_reserved_connections: '5',
  synchronous_commit: 'on',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'warning',
  log_line_prefix: '%m [%p] ',
};

/** The connection string of a database of this server. */
export function urlOf({ port, password }: PostmasterOptions, database: string): string {
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/${database}`;
}

/** SIGINT ends sessions and writes a checkpoint; SIGQUIT does without, which is as safe and takes the next start longer. */
const stopSteps = [
  ['SIGINT', 15_000],
  ['SIGQUIT', 5000],
] as const;

/** Starts the server on an existing cluster; it is ready when it answers a query. Its own log goes to `logFd`. */
export function launchPostmaster(options: PostmasterOptions, logFd: number): Launched {
  const args = ['-D', reachableName(options.account, options.folder), '-p', String(options.port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const child = spawn(options.binaries.postgres, args, {
    cwd: options.folder,
    // A session of its own, so that Ctrl-C in the terminal reaches the supervisor alone and things stop in their order.
    detached: true,
    stdio: ['ignore', logFd, logFd],
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    ...options.account,
  });
  const url = urlOf(options, 'postgres');
  const untilItAnswers = async (gone: AbortSignal): Promise<void> => {
    while (!gone.aborted && !(await answers(url))) await sleep(20);
  };
  return follow(child, untilItAnswers, stopSteps);
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch (error) {
    // A wrong password never becomes right by waiting.
    if ((error as { code?: string }).code === '28P01') {
      throw new Error(
        'PostgreSQL refuses the password in the home: the database folder and the password file do not belong together.',
        {
          cause: error,
        },
      );
    }
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Creates a database unless it is there. */
export async function ensureDatabase(adminUrl: string, name: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
