import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { isTransient } from '#infra/event-log/postgres/transient.ts';
import type { ClientBase } from 'pg';

import { lockCheckpoints, moveCheckpoints, shapeOf } from './checkpoints.ts';
import { erase, erasedBy } from './erasure.ts';
import { applyInMemory, emptyFold, soughtBy, type Fold } from './fold.ts';
import { liveTable, loadCurrent, upsertRows } from './rows.ts';
import type { AnyView } from './view.ts';

/** All events after one position up to another. */
export interface Batch {
  readonly after: bigint;
  readonly events: readonly RecordedEvent[];
  readonly upTo: bigint;
}

/** What became of the views: those that had not come to where the batch begins, and those whose table is of another shape. */
export interface Applied {
  readonly behind: readonly AnyView[];
  readonly outdated: readonly AnyView[];
}

/** A view could not apply an event: its reducer threw, or PostgreSQL refused its rows. */
export class ViewFailure extends Error {
  override readonly name = 'ViewFailure';
  readonly view: AnyView;

  constructor(view: AnyView, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.view = view;
  }
}

/**
 * Applies a batch to all these views in one transaction, checkpoints included. The locked checkpoints say what each view has seen,
 * so a batch that comes twice, or from two runners at once, changes nothing the second time. Throws a `ViewFailure`, or whatever
 * the connection threw; nothing was changed then.
 */
export async function applyBatch(client: ClientBase, views: readonly AnyView[], batch: Batch): Promise<Applied> {
  const [behind, outdated, moved]: [AnyView[], AnyView[], string[]] = [[], [], []];
  await client.query('BEGIN');
  try {
    const checkpoints = await lockCheckpoints(client, views);
    for (const view of views) {
      const checkpoint = checkpoints.get(view.name);
      if (checkpoint === undefined || checkpoint.haltedAt !== null || checkpoint.position >= batch.upTo) continue;
      if (checkpoint.shape !== shapeOf(view)) outdated.push(view);
      else if (checkpoint.position < batch.after) behind.push(view);
      else {
        const unseen = batch.events.filter(({ position }) => position > checkpoint.position);
        await applyToTable(client, view, liveTable(view), unseen);
        moved.push(view.name);
      }
    }
    await moveCheckpoints(client, moved, batch.upTo);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
  return { behind, outdated };
}

/** Applies events to one table of the view: loads the rows they touch, reduces in memory, writes what changed in one statement. */
async function applyToTable(
  client: ClientBase,
  view: AnyView,
  table: string,
  events: readonly RecordedEvent[],
): Promise<void> {
  const fold = emptyFold();
  await foldFromTable(client, view, table, fold, events);
  await writeRows(client, view, table, fold);
  await orFail(view, () => erase(client, view, table, erasedBy(events)));
}

/** Applies events to rows in memory, of which those that are missing there are loaded from the table. */
export async function foldFromTable(
  client: ClientBase,
  view: AnyView,
  table: string,
  fold: Fold,
  events: readonly RecordedEvent[],
): Promise<void> {
  await orFail(view, async () => {
    const missing: string[] = [];
    for (const event of events) {
      const sought = soughtBy(view, event);
      if (sought === null || fold.known.has(sought)) continue;
      fold.known.add(sought);
      // Of a stream that begins here there is no row.
      if (event.version > 0) missing.push(sought);
    }
    for (const [value, row] of await loadCurrent(client, view, table, missing)) fold.current.set(value, row);
    for (const event of events) applyInMemory(view, fold, event);
  });
}

/** Writes the rows that were made or changed in memory, in one statement. */
export function writeRows(client: ClientBase, view: AnyView, table: string, { written }: Fold): Promise<void> {
  return orFail(view, () => upsertRows(client, view, table, written.values()));
}

async function orFail(view: AnyView, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw isTransient(error) ? error : new ViewFailure(view, error);
  }
}
