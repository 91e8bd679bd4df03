import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { migrate } from '#infra/postgres/migrate.ts';
import { Client } from 'pg';
import { inject } from 'vitest';

const template = 'miniredis_template';

/**
 * A database of one's own on the run's real PostgreSQL server, with the platform's schema. Cloning the template takes some
 * 50 ms. `drop` also ends connections that a test left open.
 */
export async function testDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const admin = inject('postgresUrl');
  await ensureTemplate(admin);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await cloneTemplate(admin, name);
  return {
    url: urlOf(admin, name),
    drop: () => dropDatabase(admin, name),
  };
}

/** Where another database of the same server is. */
export function urlOf(admin: string, database: string): string {
  const url = new URL(admin);
  url.pathname = `/${database}`;
  return url.href;
}

/** Drops a database, if it is there, and ends what is connected to it. `admin` leads to another one of the same server. */
export function dropDatabase(admin: string, name: string): Promise<void> {
  return execute(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}

let ensured: Promise<void> | undefined;

function ensureTemplate(admin: string): Promise<void> {
  ensured ??= makeTemplate(admin);
  return ensured;
}

/** Test files run in processes of their own, so an advisory lock decides which of them migrates the template. */
async function makeTemplate(admin: string): Promise<void> {
  const client = new Client({ connectionString: admin });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock(20261121)');
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [template]);
    if (rowCount !== 0) return;
    const unfinished = `${template}_unfinished`;
    await client.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${unfinished}`);
    await migrate(urlOf(admin, unfinished));
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${template}`);
  } finally {
    await client.end();
  }
}

/** A template in use by another clone that runs at the same moment is refused with 55006; the copy takes milliseconds, so wait. */
async function cloneTemplate(admin: string, name: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await execute(admin, `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY wal_log`);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== '55006' || attempt === 100) throw error;
      await sleep(20 + Math.random() * 30);
    }
  }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
