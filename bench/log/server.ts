import { closeSync, mkdtempSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '#infra/local/free-port.ts';
import { ensureDatabase, launchPostmaster, urlOf } from '#infra/local/postgres/postmaster.ts';
import { preparePostgres } from '#infra/local/postgres/prepare.ts';
import { Client } from 'pg';

/** The PostgreSQL that the platform starts for itself, with its own settings; all stores of a run are databases on this one. */
export interface Server {
  readonly pid: number;
  /** A folder that goes with the server. */
  readonly home: string;
  /** Makes an empty database and returns its connection string. */
  database(name: string): Promise<string>;
  drop(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** 640 MiB of 16 MiB each. */
const walFiles = 40;

/** Starts one on a new cluster, which goes with it. */
export async function startServer(): Promise<Server> {
  const home = mkdtempSync(path.join(tmpdir(), 'miniredis-bench-log-'));
  const options = await preparePostgres(home, await freePort());
  const output = openSync(path.join(home, 'postgres.log'), 'a');
  const server = launchPostmaster(options, output);
  closeSync(output);
  const kill = () => process.kill(server.pid, 'SIGQUIT');
  process.once('exit', kill);
  await server.ready;
  await fillWalFolder(urlOf(options, 'postgres'));
  return {
    pid: server.pid,
    home,
    async database(name) {
      await ensureDatabase(urlOf(options, 'postgres'), name);
      return urlOf(options, name);
    },
    async drop(name) {
      const client = new Client({ connectionString: urlOf(options, 'postgres') });
      await client.connect();
      await client.query(`DROP DATABASE ${client.escapeIdentifier(name)} WITH (FORCE)`);
      await client.end();
    },
    async stop() {
      process.off('exit', kill);
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/**
 * A server that has run for a while writes its log into files that are there already. A new one makes them as it goes, 16 MiB of zeros
 * each, while all who write wait: whoever writes most would be measured by that.
 */
async function fillWalFolder(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  for (let file = 0; file < walFiles; file += 1) {
    await client.query(`SELECT pg_logical_emit_message(false, 'bench', 'a new file begins'), pg_switch_wal()`);
  }
  await client.query('CHECKPOINT');
  await client.end();
}
