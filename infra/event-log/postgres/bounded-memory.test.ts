import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { encode } from '#schemas/registry.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import type { Pool } from 'pg';
import { expect, test } from 'vitest';

import { archiveNow, testObjects, usePartitionsOf } from '../testing/archived-log.ts';
import { metadata, openLog, said } from '../testing/log-under-test.ts';
import { makeSearchable } from './archiving/searchable.ts';
import { encodeMetadata } from './stored-metadata.ts';

const count = 150_000;
/** Of these events the objects alone would take some 100 MB. */
const heap_mb = 48;

const program = fileURLToPath(import.meta.resolve('../testing/counting-reader.ts'));

/** Fills the tables at once; appending one by one would take minutes. Every stream has one event; a third are of the category node. */
async function load(pool: Pool): Promise<void> {
  await pool.query(
    'UPDATE head SET position = $1, recorded_at = now(), next_partition = partitions_up_to($1, next_partition, partition_size)',
    [count],
  );
  await pool.query(
    `INSERT INTO events (position, event_id, recorded_at, stream_id, version, schema_version, stream, category, type, tenant_id, metadata, data)
     SELECT n, gen_random_uuid(), now() - interval '1 hour', n, 0, 1, category || '-' || n, category, 'NodeFailed', 'tnt_' || n % 10, $1, $2
     FROM (SELECT n, CASE WHEN n % 3 = 0 THEN 'node' ELSE 'command' END AS category FROM generate_series(1, ${count}) AS n) AS made`,
    [encodeMetadata(metadata), encode('NodeFailed', said('x'.repeat(200)).data).bytes],
  );
  await pool.query('INSERT INTO streams SELECT stream, position, position, 0 FROM events');
}

test('a log of any size is read, filtered and archived by a process with a small heap', async () => {
  const database = await testDatabase();
  const store = await testObjects();
  const under = openLog(database.url, { notify: false, objects: store.objects });
  const counts = async () => {
    const args = [`--max-old-space-size=${heap_mb}`, program, database.url, store.folder];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout) as { all: number; filtered: number };
  };
  try {
    await usePartitionsOf(under.pool, 40_000);

    await load(under.pool);
    const expected = { all: count, filtered: count / 30 };
    expect(await counts()).toEqual(expected);
    expect(await makeSearchable(under.pool)).toBe(3);
    expect(await counts()).toEqual(expected);
    const archived = await archiveNow({ pool: under.pool, objects: store.objects, closedBy: { command: 'always' } });
    expect(archived.map(({ outcome }) => outcome)).toEqual(['archived', 'archived', 'archived']);
    expect(await counts()).toEqual(expected);
  } finally {
    await under.close();
    await database.drop();
    store.drop();
  }
}, 180_000);
