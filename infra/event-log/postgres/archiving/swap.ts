import type { ClientBase } from 'pg';

import type { Archive } from '../../archive/catalog.ts';
import { backOff } from '../transient.ts';
import { inTransaction } from './in-transaction.ts';
import { indexForSearch, quoted, type Partition } from './partitions.ts';
import type { Plan } from './plan.ts';

/** What takes the place of partitions that were archived: nothing at all, or a table of the events that stay. */
export interface Replacement {
  readonly replaced: readonly Partition[];
  readonly table: Partition | null;
}

/** Tables that a run made and did not live to put in place bear this name. */
const leftOver = 'events_rewritten_from_';

/** Drops what runs that were cut short have left. */
export async function dropLeftOvers(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relkind = 'r' AND starts_with(relname, $1) AND pg_table_is_visible(oid)
       AND NOT EXISTS (SELECT FROM event_partitions WHERE name = relname)`,
    [leftOver],
  );
  for (const { name } of rows) await client.query(`DROP TABLE ${quoted(name)}`);
}

/**
 * Makes the table of what stays, beside the log. The partition before is taken in with it when that is a rewritten one, too, and
 * both together are no more than a partition holds: so there are never many small ones.
 */
export async function rewrite(client: ClientBase, { partition, stays }: Plan, number: number): Promise<Replacement> {
  if (stays === 0) return { replaced: [partition], table: null };
  const before = await rewrittenBefore(client, partition, stays);
  const replaced = before === null ? [partition] : [before, partition];
  const first = before?.first ?? partition.first;
  const name = `${leftOver}${first}_by_${number}`;
  await client.query(`CREATE TABLE ${quoted(name)} (LIKE events INCLUDING ALL,
    CHECK (position >= ${first} AND position < ${partition.end}))`);
  if (before !== null)
    await client.query(`INSERT INTO ${quoted(name)} SELECT * FROM ${quoted(before.name)} ORDER BY position`);
  await client.query(
    `INSERT INTO ${quoted(name)} SELECT e.* FROM ${quoted(partition.name)} e
     WHERE NOT EXISTS (SELECT FROM archiving a WHERE a.stream_id = e.stream_id) ORDER BY e.position`,
  );
  await indexForSearch(client, name);
  await client.query(`ANALYZE ${quoted(name)}`);
  return { replaced, table: { first, end: partition.end, name, rewritten: true } };
}

async function rewrittenBefore(client: ClientBase, { first }: Partition, stays: number): Promise<Partition | null> {
  const { rows } = await client.query<{
    first_position: bigint;
    end_position: bigint;
    name: string;
    rewritten: boolean;
  }>(
    'SELECT first_position, end_position, name, rewritten FROM event_partitions WHERE first_position < $1 ORDER BY 1 DESC LIMIT 1',
    [first],
  );
  const [row] = rows;
  if (row?.rewritten !== true) return null;
  const { rows: counts } = await client.query<{ fits: boolean }>(
    `SELECT count(*) + $1::bigint <= (SELECT partition_size FROM head) AS fits FROM ${quoted(row.name)}`,
    [stays],
  );
  if (counts[0]?.fits !== true) return null;
  return { first: row.first_position, end: row.end_position, name: row.name, rewritten: true };
}

/** Long reads of the log are not to hold all others up behind a waiting run; it tries again instead. */
const [lockPatience, lockTries] = ['300ms', 100];

/**
 * The one moment in which archived events leave the database: the archive is recorded, and what stays takes the place of what was
 * there, in one transaction. Returns false when reads kept the log busy the whole time.
 */
export async function swap(client: ClientBase, archive: Archive, replacement: Replacement): Promise<boolean> {
  for (let retry = 1; retry <= lockTries; retry += 1) {
    try {
      await inTransaction(client, () => swapNow(client, archive, replacement));
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code !== '55P03') throw error;
      await backOff(retry);
    }
  }
  return false;
}

async function swapNow(client: ClientBase, archive: Archive, { replaced, table }: Replacement): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = '${lockPatience}'`);
  await client.query('LOCK TABLE events IN ACCESS EXCLUSIVE MODE');
  for (const { name } of replaced) {
    await client.query(`ALTER TABLE events DETACH PARTITION ${quoted(name)}`);
    await client.query(`DROP TABLE ${quoted(name)}`);
    await client.query('DELETE FROM event_partitions WHERE name = $1', [name]);
  }
  if (table !== null) {
    const { name, first, end } = table;
    await client.query(`ALTER TABLE events ATTACH PARTITION ${quoted(name)} FOR VALUES FROM (${first}) TO (${end})`);
    await client.query(
      `INSERT INTO event_partitions (first_position, end_position, name, searchable, rewritten)
       VALUES ($1, $2, $3, true, true)`,
      [first, end, name],
    );
  }
  const { number, manifestKey, manifestSha256, fileKey, fileBytes, events, firstPosition, lastPosition } = archive;
  await client.query(
    `INSERT INTO event_archives (number, manifest_key, manifest_sha256, file_key, file_bytes, events, first_position, last_position, archived_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [number, manifestKey, manifestSha256, fileKey, fileBytes, events, firstPosition, lastPosition, archive.archivedAt],
  );
}
