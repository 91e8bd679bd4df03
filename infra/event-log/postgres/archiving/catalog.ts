import type { ClientBase, Pool } from 'pg';

import type { Archive } from '../../archive/catalog.ts';

interface Row {
  readonly number: number;
  readonly manifest_key: string;
  readonly manifest_sha256: string;
  readonly file_key: string;
  readonly file_bytes: bigint;
  readonly events: number;
  readonly first_position: bigint;
  readonly last_position: bigint;
  readonly archived_at: Date;
}

/** The archives there are, numbered on from `after`, in the order in which they were made. */
export async function readArchives(client: ClientBase | Pool, after = 0): Promise<Archive[]> {
  const { rows } = await client.query<Row>({
    name: 'read-archives',
    text: `SELECT number, manifest_key, manifest_sha256, file_key, file_bytes, events, first_position, last_position, archived_at
           FROM event_archives WHERE number > $1 ORDER BY number`,
    values: [after],
  });
  return rows.map((row) => ({
    number: row.number,
    manifestKey: row.manifest_key,
    manifestSha256: row.manifest_sha256,
    fileKey: row.file_key,
    fileBytes: Number(row.file_bytes),
    events: row.events,
    firstPosition: row.first_position,
    lastPosition: row.last_position,
    archivedAt: row.archived_at.toISOString(),
  }));
}
