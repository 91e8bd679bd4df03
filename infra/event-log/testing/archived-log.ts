import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { openDirectoryStore } from '#infra/object-store/directory.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { Pool } from 'pg';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { EventLog } from '../event-log.ts';
import type { ClosedBy } from '../postgres/archiving/plan.ts';
import { archiveLog, type Archived, type ArchivingOptions } from '../postgres/archiving/run.ts';
import { collect } from './collect.ts';
import { appendOf, said } from './log-under-test.ts';

/** When the streams that `fillLog` writes are closed. */
const closedBy: ClosedBy = { command: 'always', node: ['NodeDeleted'] };

/** An object store of a test's own. */
export async function testObjects(): Promise<{ folder: string; objects: ObjectStore; drop: () => void }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'log-archive-'));
  const objects = await openDirectoryStore(folder);
  return { folder, objects, drop: () => rmSync(folder, { recursive: true, force: true }) };
}

/** From now on partitions hold so many events; before there was one. */
export async function usePartitionsOf(pool: Pool, size: number): Promise<void> {
  await pool.query(
    `DELETE FROM event_partitions; ALTER TABLE events DETACH PARTITION events_from_1; DROP TABLE events_from_1;
     DO $$ DECLARE name text; BEGIN
       FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass LOOP
         EXECUTE format('DROP TABLE %s', name);
       END LOOP;
     END $$;
     UPDATE head SET partition_size = ${size}, next_partition = partitions_up_to(0, 1, ${size})`,
  );
}

/**
 * Appends `count` times: each a command of its own and an event of a node. Of the nodes, which live for 40 appends, two of three
 * are deleted in the end. Tenants take turns.
 */
export async function fillLog(log: EventLog, count: number, from = 0): Promise<void> {
  const appends = [];
  for (let n = from; n < from + count; n += 1) {
    const node = Math.floor(n / 40) * 4 + (n % 4);
    const last = n % 40 >= 36;
    const event =
      last && node % 3 !== 0 ? { type: 'NodeDeleted', data: { nodeId: `node_${node}` } } : said(`event ${n}`);
    const append = appendOf([`node-${node}`, 'any', event], [`command-${n}`, 'no-stream', said(`command ${n}`)]);
    appends.push({ ...append, metadata: { ...append.metadata, tenantId: n % 7 === 0 ? null : `tnt_${node % 5}` } });
  }
  for (const result of await Promise.all(appends.map((append) => log.append(append)))) {
    if (!result.ok) throw new Error('An append to fill the log was refused.');
  }
}

/** Archives all that is closed now. */
export function archiveNow(
  options: Pick<ArchivingOptions, 'pool' | 'objects'> & Partial<ArchivingOptions>,
): Promise<Archived[]> {
  return collect(archiveLog({ closedBy, before: new Date(Date.now() + 60_000), ...options }));
}

/** Every event there is, by the port. */
export async function everything(log: EventLog): Promise<RecordedEvent[]> {
  return (await collect(log.readAll({ after: 0n }))).flat();
}
