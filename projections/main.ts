/** `npm run projections`: shows the read models, rebuilds one from the log, or proves that they are what the log says. */
import { backupDecider } from '#domains/backup/decider.ts';
import { apiKeyDecider } from '#domains/identity/decider.ts';
import { managerDecider } from '#domains/manager/decider.ts';
import { nodeDecider } from '#domains/node/decider.ts';
import { reservationDecider } from '#domains/reservation/decider.ts';
import { restoreDecider } from '#domains/restore/decider.ts';
import { subjectDecider } from '#domains/subject/decider.ts';
import { tenantDecider } from '#domains/tenant/decider.ts';
import type { DomainEvent } from '#domains/kernel/decider.ts';
import { categoryOf } from '#domains/kernel/envelope.ts';
import { bigintLiterals } from '#gateway/json.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { isTransient } from '#infra/event-log/postgres/transient.ts';
import { UsageProblem, withPlatformLog, type PlatformLog } from '#infra/local/platform-log.ts';
import { Command } from 'commander';

import { ViewFailure } from './kernel/apply.ts';
import { ensureViews, readCheckpoints, shapeOf } from './kernel/checkpoints.ts';
import { rebuild } from './kernel/rebuild.ts';
import { verify, type Verdict } from './kernel/verify.ts';
import type { AnyView } from './kernel/view.ts';
import { aggregateAt, positionNamed, rowsInOrder, type AggregateThen, type Evolver } from './past.ts';
import { watchProgress } from './progress.ts';
import { sharedByThreads } from './share.ts';
import { allViews } from './views.ts';

/** Who knows the state of a stream, by its category. A command's own record is all the state that it has. */
const deciders: Readonly<Record<string, Evolver>> = {
  tenant: tenantDecider,
  node: nodeDecider,
  backup: backupDecider,
  restore: restoreDecider,
  apikey: apiKeyDecider,
  manager: managerDecider,
  reservation: reservationDecider,
  subject: subjectDecider,
  command: { initialState: null, evolve: (_state: unknown, { type, data }: DomainEvent) => ({ type, data }) },
};

const names = allViews.map(({ name }) => name).join(', ');

const program = new Command('projections')
  .description('Works on the read models of the platform in MINIREDIS_HOME.')
  // Mistakes in the command line end with 2, which no verdict does.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
program
  .command('list')
  .description('each view, how far it has come, and whether it halted')
  .action(() => withParts(list));
program
  .command('rebuild')
  .argument('<name>', `one of ${names}`)
  .description('makes a view anew from the log beside the live one and swaps them; readers notice nothing')
  .action((name: string) => withParts((parts) => rebuildOne(parts, viewNamed(name))));
program
  .command('verify')
  .argument('[name]', `one of ${names}; all without it`)
  .description('rebuilds beside the live view and compares row by row; exit 1 where they differ or the view has halted')
  .action((name?: string) => withParts((parts) => verifyAll(parts, name === undefined ? allViews : [viewNamed(name)])));
program
  .command('at')
  .argument('<position or time>', 'such as 4711, or 2026-11-21T08:30:00Z')
  .argument('<view or stream>', `one of ${names}; or a stream, such as node-node_…`)
  .description(
    'a view or an aggregate as it was then, one line of JSON a row, folded from the log; live tables are not read',
  )
  .action(async (at: string, what: string) => {
    process.exitCode = await withPlatformLog('projections', (parts) => showPast(parts, at, what));
  });

function viewNamed(name: string): AnyView {
  const view = allViews.find((one) => one.name === name);
  if (view === undefined) throw new UsageProblem(`There is no view "${name}"; the views are ${names}.`);
  return view;
}

async function list({ log, pool }: PlatformLog): Promise<number> {
  const [checkpoints, head] = [await readCheckpoints(pool), await log.head()];
  console.log(`The log ends at position ${head}.\n`);
  console.log(`${'view'.padEnd(12)} ${'position'.padStart(10)} ${'behind'.padStart(8)}  state`);
  for (const view of allViews) {
    const checkpoint = checkpoints.find((one) => one.view === view.name);
    const position = checkpoint?.position ?? 0n;
    const behind = head > position ? head - position : 0n;
    let state = 'live';
    if (checkpoint?.haltedAt !== null) state = `halted at position ${checkpoint?.haltedAt}: ${checkpoint?.error}`;
    else if (checkpoint.shape !== shapeOf(view)) state = 'made by another version; rebuilt at the next start';
    console.log(`${view.name.padEnd(12)} ${`${position}`.padStart(10)} ${`${behind}`.padStart(8)}  ${state}`);
  }
  return 0;
}

async function showPast({ log }: PlatformLog, text: string, what: string): Promise<number> {
  const at = await positionNamed(log, text);
  if (at === null) throw new UsageProblem(`"${text}" is neither a position nor a time such as 2026-11-21T08:30:00Z.`);
  const head = await log.head();
  if (at > head) throw new UsageProblem(`Position ${at} lies ahead: the log ends at ${head}.`);
  const view = allViews.find(({ name }) => name === what);
  const shown = view === undefined ? [await aggregateThen(log, what, at)] : await rowsInOrder(log, view, at);
  for (const one of shown) console.log(JSON.stringify(one, bigintLiterals));
  return 0;
}

async function aggregateThen(log: EventLog, stream: string, at: bigint): Promise<AggregateThen> {
  const decider = deciders[categoryOf(stream)];
  if (decider === undefined) {
    const categories = Object.keys(deciders).join(', ');
    throw new UsageProblem(`"${stream}" is no view (${names}) and no stream of ${categories}.`);
  }
  const found = await aggregateAt(log, decider, stream, at);
  if (found.version === -1) throw new UsageProblem(`${stream} was not there at position ${at}.`);
  return found;
}

async function rebuildOne({ log, pool }: PlatformLog, view: AnyView): Promise<number> {
  const progress = watchProgress(`rebuilding ${view.name}`);
  const position = await rebuild(log, pool, view, {
    progress: progress.report,
    signal: interrupted(),
    share: sharedByThreads(),
  });
  progress.done();
  console.log(`${view.name} is rebuilt; it took the live one's place at position ${position}.`);
  return 0;
}

async function verifyAll({ log, pool }: PlatformLog, views: readonly AnyView[]): Promise<number> {
  let worst = 0;
  const signal = interrupted();
  for (const view of views) {
    const progress = watchProgress(`rebuilding ${view.name} beside`);
    const verdict = await verify(log, pool, view, { progress: progress.report, signal, share: sharedByThreads() });
    progress.done();
    const halted = (await readCheckpoints(pool)).find((one) => one.view === view.name && one.haltedAt !== null);
    const more = halted === undefined ? '' : `, and HALTED at position ${halted.haltedAt}: ${halted.error}`;
    console.log(`${view.name.padEnd(12)} ${sentence(view, verdict)}${more}`);
    if (!verdict.same || halted !== undefined) worst = 1;
  }
  return worst;
}

function sentence(view: AnyView, verdict: Verdict): string {
  if (verdict.same) {
    const { rows, position } = verdict;
    return `is what the log says: ${rows} ${rows === 1 ? 'row' : 'rows'} at position ${position}`;
  }
  if ('outdated' in verdict) return `was made by another version; run: npm run projections -- rebuild ${view.name}`;
  const { position, key, field, live, rebuilt } = verdict;
  const where = `DIFFERS at position ${position}, first at ${key}`;
  if (field !== null) return `${where}, field ${field}: live ${show(live)}, rebuilt ${show(rebuilt)}`;
  return live === null ? `${where}: the live row is missing` : `${where}: the log knows of no such row`;
}

const show = (value: string | null) => (value === null ? 'null' : JSON.stringify(value));

/** Aborted by Ctrl-C, so that a side table is cleared away before the process ends. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort(new UsageProblem('Interrupted; nothing was changed.'));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return controller.signal;
}

/** What went wrong, and what to do about it. */
function wrong(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ViewFailure)
    return `${error.view.name} can't be made from the log: ${message}. Mend the cause and try again; the live view is as it was.`;
  return isTransient(error) ? `The read models could not be reached: ${message}` : message;
}

async function withParts(work: (parts: PlatformLog) => Promise<number>): Promise<void> {
  process.exitCode = await withPlatformLog('projections', async (parts) => {
    const client = await parts.pool.connect();
    await ensureViews(client, allViews).finally(() => client.release());
    return work(parts);
  });
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(wrong(error));
  process.exitCode = 2;
}
