import { mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { freePort } from '#infra/local/free-port.ts';
import type { Launched } from '#infra/local/launch.ts';
import { launchPostmaster, urlOf } from '#infra/local/postgres/postmaster.ts';
import { preparePostgres } from '#infra/local/postgres/prepare.ts';
import { build } from '#infra/local/temporal/build.ts';
import { launchTemporal } from '#infra/local/temporal/launch.ts';
import { Client } from 'pg';

/** A real Temporal server on a PostgreSQL of its own, so that its databases can be dropped without harm to other tests. */
export interface TestTemporal {
  /** Stays the same whenever the server is started again. */
  readonly address: string;
  readonly namespace: string;
  /** Does nothing when it runs. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Drops both databases under the running server, which ends it, and starts it on new ones. */
  loseDatabases(): Promise<void>;
  /** Ends everything. */
  remove(): Promise<void>;
}

/** Prepares a server without starting it. The first one on a machine is built, which takes minutes. */
export async function testTemporal(): Promise<TestTemporal> {
  const program = { kind: 'built', path: await build(AbortSignal.timeout(580_000)) } as const;
  const home = mkdtempSync(path.join(tmpdir(), 'miniredis-temporal-'));
  mkdirSync(path.join(home, 'logs'));
  const logFd = openSync(path.join(home, 'servers.log'), 'a');
  const options = await preparePostgres(home, await freePort());
  const postmaster = launchPostmaster(options, logFd);
  // Temporal gives up at once when PostgreSQL does not answer yet.
  await postmaster.ready;
  const adminUrl = urlOf(options, 'postgres');
  const port = await freePort();
  const internalPorts: number[] = [];
  while (internalPorts.length < 7) internalPorts.push(await freePort());
  const namespace = 'miniredis';
  let server: Launched | undefined;

  const start = async () => {
    if (server !== undefined) return;
    server = launchTemporal({ program, home, databaseUrl: adminUrl, port, internalPorts, namespace });
    await server.ready;
  };
  const stop = async () => {
    await server?.stop();
    server = undefined;
  };

  return {
    address: `127.0.0.1:${port}`,
    namespace,
    start,
    stop,
    async loseDatabases() {
      const client = new Client({ connectionString: adminUrl });
      await client.connect();
      try {
        await client.query('DROP DATABASE temporal WITH (FORCE)');
        await client.query('DROP DATABASE temporal_visibility WITH (FORCE)');
      } finally {
        await client.end();
      }
      await server?.exited;
      server = undefined;
      await start();
    },
    async remove() {
      await stop();
      await postmaster.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
