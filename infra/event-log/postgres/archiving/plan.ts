import type { ClientBase } from 'pg';

import type { Partition } from './partitions.ts';
import { quoted } from './partitions.ts';

/**
 * When a stream is closed, for each category: the types of event that close it when they are its last, or `always`. Streams of
 * categories that are not named stay. A stream may go on after it was archived; that it is closed only means that few will read it.
 */
export type ClosedBy = Readonly<Record<string, 'always' | readonly string[]>>;

/** What of a partition goes, and what stays. */
export interface Plan {
  readonly partition: Partition;
  readonly goes: number;
  readonly stays: number;
}

/**
 * Decides which streams of a partition go: those that are closed, and whose last event was recorded before `before`. The decision is
 * kept in the temporary table `archiving` of this connection, so that all steps go by the same one.
 */
export async function planPartition(
  client: ClientBase,
  partition: Partition,
  before: Date,
  closedBy: ClosedBy,
): Promise<Plan> {
  const table = quoted(partition.name);
  const rules = Object.entries(closedBy);
  const always = rules.filter(([, types]) => types === 'always').map(([category]) => category);
  const closing = rules.flatMap(([category, types]) =>
    types === 'always' ? [] : types.map((type) => ({ category, type })),
  );
  await client.query('DROP TABLE IF EXISTS pg_temp.archiving');
  await client.query('CREATE TEMPORARY TABLE archiving (stream_id bigint PRIMARY KEY)');
  await client.query(
    // The last event of a stream that is not here has been archived, so the stream was closed then, and nothing came since.
    `INSERT INTO archiving
     SELECT s.first_position
     FROM (SELECT DISTINCT stream FROM ${table}) p
     JOIN streams s ON s.stream = p.stream
     LEFT JOIN events e ON e.position = s.last_position
     WHERE e.position IS NULL OR e.recorded_at < $1 AND (
       e.category = ANY ($2::text[]) OR (e.category, e.type) IN (SELECT * FROM unnest($3::text[], $4::text[])))`,
    [before, always, closing.map(({ category }) => category), closing.map(({ type }) => type)],
  );
  await client.query('ANALYZE archiving');
  const { rows } = await client.query<{ goes: bigint; stays: bigint }>(
    `SELECT count(*) FILTER (WHERE a.stream_id IS NOT NULL) AS goes, count(*) FILTER (WHERE a.stream_id IS NULL) AS stays
     FROM ${table} e LEFT JOIN archiving a USING (stream_id)`,
  );
  return { partition, goes: Number(rows[0]?.goes ?? 0n), stays: Number(rows[0]?.stays ?? 0n) };
}
