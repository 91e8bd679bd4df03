import { readArchives } from '#infra/event-log/postgres/archiving/catalog.ts';
import { archiveLog, ArchivingBusy, type Archived } from '#infra/event-log/postgres/archiving/run.ts';
import { verifyArchives } from '#infra/event-log/postgres/archiving/verify.ts';
import { UsageProblem, withPlatformLog, type PlatformLog } from '#infra/local/platform-log.ts';
import type { Command } from 'commander';

import { closedStreams } from './closed-streams.ts';
import { recordAct } from './record-act.ts';

const day_ms = 24 * 3600 * 1000;

/** `archive`, `archive list`, `archive verify`: what of the log is in the object store. */
export function addArchiveCommands(program: Command): void {
  const command = program
    .command('archive')
    .description('moves closed streams to the object store, where they are read as before')
    .option('--older-than <days>', 'streams closed for so many days; default: LOG_ARCHIVE_AFTER_DAYS')
    .option('--dry-run', 'only tells what would go', false)
    .action((options: { olderThan?: string; dryRun: boolean }) => run((parts) => archive(parts, options)));
  command
    .command('list')
    .description('what the archive holds, and what is still in the database')
    .action(() => run(list));
  command
    .command('verify')
    .description(
      'reads every file of the archive and holds it against its manifest and the chain of these; exit 1 at a flaw',
    )
    .action(() => run(verify));
}

async function run(work: (parts: PlatformLog) => Promise<number>): Promise<void> {
  process.exitCode = await withPlatformLog('log', work);
}

/** Aborted by Ctrl-C, so that what is half written is cleared away before the process ends. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort(new UsageProblem('Interrupted; nothing was left half done.'));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return controller.signal;
}

async function archive(
  { log, pool, objects, settings }: PlatformLog,
  { olderThan, dryRun }: { olderThan?: string; dryRun: boolean },
): Promise<number> {
  const days = olderThan === undefined ? settings.logArchiveAfter_days : daysOf(olderThan);
  if (olderThan === undefined && days === 0) {
    throw new UsageProblem('LOG_ARCHIVE_AFTER_DAYS is 0, never; name an age: npm run log -- archive --older-than 90');
  }
  const before = new Date(Date.now() - days * day_ms);
  if (!dryRun) {
    const details = { before: before.toISOString() };
    await recordAct(log, { action: 'ArchiveLog', target: { kind: 'log', id: 'archive' }, details });
  }
  let [moved, found] = [0, false];
  try {
    for await (const one of archiveLog({
      pool,
      objects,
      closedBy: closedStreams,
      before,
      dryRun,
      signal: interrupted(),
    })) {
      console.log(sentence(one));
      found = true;
      if (one.outcome === 'archived') moved += one.goes;
    }
  } catch (error) {
    if (error instanceof ArchivingBusy) throw new UsageProblem(error.message);
    throw error;
  }
  // The partition that is written to stays, whatever is closed in it.
  if (!found) console.log('No partition is full yet, so there is nothing to look through.');
  console.log(dryRun ? 'Nothing was changed.' : `${moved} events went to the archive.`);
  return 0;
}

function daysOf(text: string): number {
  if (/^\d{1,5}(\.\d+)?$/.test(text)) return Number(text);
  throw new UsageProblem(`--older-than takes a number of days, such as 90; not "${text}".`);
}

function sentence({ partition, goes, stays, outcome, archive: made }: Archived): string {
  const range = `positions ${partition.first} to ${partition.end - 1n}`.padEnd(36);
  const counts = `${goes} of ${goes + stays} events`;
  switch (outcome) {
    case 'archived':
      return `${range} ${counts} went to archive ${made?.number}, ${stays} stay`;
    case 'planned':
      return `${range} ${counts} would go`;
    case 'left':
      return `${range} stays: ${counts} are closed and old enough`;
    case 'busy':
      return `${range} stays for now: long reads were in the way`;
  }
}

async function list({ pool, log }: PlatformLog): Promise<number> {
  const [archives, head] = [await readArchives(pool), await log.head()];
  for (const { number, firstPosition, lastPosition, events, fileBytes, archivedAt, fileKey } of archives) {
    const range = `positions ${firstPosition} to ${lastPosition}`.padEnd(36);
    console.log(
      `${String(number).padStart(6)}  ${range} ${events} events, ${fileBytes} bytes, ${archivedAt}, ${fileKey}`,
    );
  }
  const archived = archives.reduce((sum, { events }) => sum + BigInt(events), 0n);
  const { rows } = await pool.query<{ tables: bigint; bytes: bigint }>(
    `SELECT count(*) AS tables, coalesce(sum(pg_total_relation_size(quote_ident(name)::regclass)), 0)::bigint AS bytes FROM event_partitions`,
  );
  console.log(
    `The log ends at position ${head}: ${archived} events in ${archives.length} archives, ${head - archived} in the database,`,
  );
  console.log(`where they take ${rows[0]?.bytes} bytes in ${rows[0]?.tables} partitions.`);
  return 0;
}

async function verify({ pool, objects }: PlatformLog): Promise<number> {
  let [files, flaws] = [0, 0];
  for await (const { archive: one, flaw } of verifyArchives(pool, objects)) {
    console.log(`${String(one.number).padStart(6)}  ${flaw ?? `is whole: ${one.events} events`}`);
    files += 1;
    if (flaw !== null) flaws += 1;
  }
  console.log(flaws === 0 ? `${files} archives, all whole.` : `${flaws} of ${files} archives are flawed.`);
  return flaws === 0 ? 0 : 1;
}
