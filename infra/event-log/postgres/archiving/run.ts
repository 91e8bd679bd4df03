import type { ObjectStore } from '#infra/object-store/object-store.ts';
import type { Pool, PoolClient } from 'pg';

import type { Archive } from '../../archive/catalog.ts';
import { readArchives } from './catalog.ts';
import { fullPartitions, type Partition } from './partitions.ts';
import { planPartition, type ClosedBy, type Plan } from './plan.ts';
import { dropLeftOvers, rewrite, swap } from './swap.ts';
import { manifestKeyOf, sealArchive, verifyFile, writeFile } from './write.ts';

/** A partition is taken up when at least this part of it goes; what stays is copied, and a copy of nearly all is no gain. */
const leastShare = 0.25;
/** Any number will do, so long as nothing else on this database locks it. */
const lock = 0x6c6f_6761;

/** What a run is to do. */
export interface ArchivingOptions {
  readonly pool: Pool;
  readonly objects: ObjectStore;
  readonly closedBy: ClosedBy;
  /** Streams whose last event was recorded before this time go, if they are closed. */
  readonly before: Date;
  /** Only tells what would be done. */
  readonly dryRun?: boolean;
  /** Looked at between partitions. */
  readonly signal?: AbortSignal;
  /** Told before each step; for tests, which end the process there. */
  readonly onStep?: (step: ArchivingStep) => void | Promise<void>;
}

type ArchivingStep = 'plan' | 'write' | 'verify' | 'seal' | 'rewrite' | 'swap' | 'done';

/** What became of a partition. */
export interface Archived {
  readonly partition: Partition;
  readonly goes: number;
  readonly stays: number;
  /** `left`: too little of it is closed; `planned`: that is what a dry run tells; `busy`: long reads were in the way. */
  readonly outcome: 'archived' | 'planned' | 'left' | 'busy';
  readonly archive: Archive | null;
}

/** Another process is at it. */
export class ArchivingBusy extends Error {
  override readonly name = 'ArchivingBusy';
}

/**
 * Moves closed streams to the object store, partition by partition: writes a file, reads it back, seals it with a manifest, and in one
 * transaction records it and drops the rows. A run that is cut short at any point has lost and doubled nothing; the next one begins
 * again with the partition it was at. Throws `ArchivingBusy` while another one runs.
 */
export async function* archiveLog(options: ArchivingOptions): AsyncGenerator<Archived> {
  const client = await options.pool.connect();
  try {
    const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_lock($1) AS mine', [lock]);
    if (rows[0]?.mine !== true) throw new ArchivingBusy('The log is being archived by another process already.');
    // A long statement is what archiving is made of; the connection ends with the run, and its settings and locks with it.
    await client.query('SET statement_timeout = 0');
    await dropLeftOvers(client);
    for (const partition of await fullPartitions(client)) {
      if (options.signal?.aborted === true) return;
      yield await archivePartition(client, partition, options);
    }
  } finally {
    // Whoever comes next need not wait until the server notices that the connection has gone.
    await client.query('SELECT pg_advisory_unlock($1)', [lock]).catch(() => {});
    client.release(true);
  }
}

async function archivePartition(
  client: PoolClient,
  partition: Partition,
  options: ArchivingOptions,
): Promise<Archived> {
  const { objects, closedBy, before, dryRun = false, onStep = () => {} } = options;
  await onStep('plan');
  const plan: Plan = await planPartition(client, partition, before, closedBy);
  const { goes, stays } = plan;
  if (goes === 0 || goes / (goes + stays) < leastShare) return { ...plan, outcome: 'left', archive: null };
  if (dryRun) return { ...plan, outcome: 'planned', archive: null };
  const archive = await writeArchive(client, plan, options);
  await onStep('rewrite');
  const replacement = await rewrite(client, plan, archive.number);
  await onStep('swap');
  if (!(await swap(client, archive, replacement))) {
    await dropLeftOvers(client);
    await discard(objects, [archive.manifestKey, archive.fileKey]);
    return { ...plan, outcome: 'busy', archive: null };
  }
  await onStep('done');
  return { ...plan, outcome: 'archived', archive };
}

/** The file and its manifest, written and read back; nothing of them stays behind when that fails. */
async function writeArchive(client: PoolClient, plan: Plan, options: ArchivingOptions): Promise<Archive> {
  const { objects, signal, onStep = () => {} } = options;
  const previous = (await readArchives(client)).at(-1);
  const number = (previous?.number ?? 0) + 1;
  await onStep('write');
  const file = await writeFile(client, objects, plan, number, signal);
  try {
    await onStep('verify');
    const blocks = await verifyFile(client, objects, plan, file, signal);
    await onStep('seal');
    return await sealArchive(objects, file, blocks, number, previous);
  } catch (error) {
    await discard(objects, [manifestKeyOf(file), file.key]);
    throw error;
  }
}

/** What can't be deleted now is in nobody's way: no manifest of the database names it. */
async function discard(objects: ObjectStore, keys: readonly string[]): Promise<void> {
  for (const key of keys) await objects.delete(key).catch(() => {});
}
