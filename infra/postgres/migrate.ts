import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { sha256Hex } from '#infra/crypto/secrets.ts';
import { Client } from 'pg';

/** The log is a room of its own and brings its tables along; names of files order all of them, wherever they lie. */
const platformFolders = ['migrations', '../event-log/postgres/migrations'].map((folder) =>
  path.join(import.meta.dirname, folder),
);
/** Any number will do, so long as nothing else on this database locks it. */
const lock = 0x6d72_6564;

/**
 * Brings a database's schema up to date: the numbered `.sql` files of the folders, each once, in order, each in a transaction
 * of its own. Processes that start together take turns. A file that changed after it was applied is an error, since databases
 * that have it would never see the change.
 */
export async function migrate(url: string, folders: readonly string[] = platformFolders): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'miniredis migrate' });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [lock]);
    await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
      name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
    const { rows } = await client.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM schema_migrations');
    const applied = new Map(rows.map((row) => [row.name, row.sha256]));
    for (const { name, file } of await migrationFiles(folders)) {
      const sql = await readFile(file, 'utf8');
      const before = applied.get(name);
      if (before === undefined) await apply(client, name, sql);
      else if (before !== sha256Hex(sql)) {
        throw new Error(
          `Migration ${name} was changed after it had been applied; undo that and add a new file instead.`,
        );
      }
    }
  } finally {
    await client.end();
  }
}

async function migrationFiles(folders: readonly string[]): Promise<{ name: string; file: string }[]> {
  const found = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => ({ name, file: path.join(folder, name) }))),
  );
  return found
    .flat()
    .filter(({ name }) => /^[0-9]{4}-[a-z0-9-]+\.sql$/.test(name))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

async function apply(client: Client, name: string, sql: string): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query('INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)', [name, sha256Hex(sql)]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(`Migration ${name} failed: ${(error as Error).message}`, { cause: error });
  }
}
