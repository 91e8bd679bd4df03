import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'pg';

import type { Account } from './account.ts';
import type { PostgresBinaries } from './binaries.ts';
import { superuser } from './cluster.ts';

/** What tells one running server from another. */
export interface PostmasterOptions {
  readonly folder: string;
  readonly port: number;
  readonly password: string;
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
  /** A file descriptor that takes the server's own log. */
  readonly logFd: number;
}

/** A server that answers queries. */
export interface Postmaster {
  readonly pid: number;
  /** Settles when the server is gone, however that came. */
  readonly exited: Promise<string>;
  /** Ends sessions, writes a checkpoint and exits; a server that does not within the time is stopped without one, which is as safe. */
  stop(): Promise<void>;
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
export function databaseUrl(port: number, password: string, database: string): string {
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/${database}`;
}

/** Starts the server on an existing cluster and waits until it answers; throws when it exits before that. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const args = ['-D', options.folder, '-p', String(options.port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const child = spawn(options.binaries.postgres, args, {
    cwd: '/',
    // A session of its own, so that Ctrl-C in the terminal reaches the supervisor alone and things stop in their order.
    detached: true,
    stdio: ['ignore', options.logFd, options.logFd],
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    ...options.account,
  });
  let gone: string | undefined;
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve((gone = error.message)));
    child.once('exit', (code, killer) => resolve((gone = killer ?? `exit code ${code}`)));
  });
  const url = databaseUrl(options.port, options.password, 'postgres');
  while (!(await answers(url))) {
    if (gone !== undefined) throw new Error(`PostgreSQL did not start (${gone}); its log says why.`);
    await sleep(25);
  }
  if (gone !== undefined)
    throw new Error(`PostgreSQL did not start (${gone}) and port ${options.port} is someone else's.`);
  const pid = child.pid ?? 0;
  return {
    pid,
    exited,
    async stop() {
      if (gone !== undefined) return;
      child.kill('SIGINT');
      if ((await Promise.race([exited, sleep(15_000, 'late', { ref: false })])) !== 'late') return;
      child.kill('SIGQUIT');
      if ((await Promise.race([exited, sleep(5000, 'late', { ref: false })])) !== 'late') return;
      child.kill('SIGKILL');
      await exited;
    },
  };
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
