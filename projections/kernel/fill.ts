import type { EventLog } from '#infra/event-log/event-log.ts';
import type { Part } from '#infra/event-log/part.ts';
import type { ClientBase } from 'pg';

import { foldFromTable, writeRows } from './apply.ts';
import { erase, erasedBy, erasures } from './erasure.ts';
import { emptyFold } from './fold.ts';
import type { SideTable } from './side-table.ts';
import type { AnyView } from './view.ts';

/** Told from time to time how far a side table has come. */
export type Progress = (position: bigint, target: bigint) => void;

/** Who looks on while a side table is filled. */
export interface Watching {
  readonly progress?: Progress;
  /** Ends the work after the batch in hand, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A stretch of the log for a side table. */
export interface Stretch {
  readonly view: AnyView;
  readonly table: string;
  readonly after: bigint;
  readonly to: bigint;
}

export interface Filling extends Watching {
  /** Fills a long stretch by several hands, each with a part of the streams; without it, one does all. */
  readonly share?: (stretch: Stretch, watching: Watching) => Promise<void>;
}

/** What is shorter is done before the hands are there. */
const worthSharing = 200_000n;

/** The rows of so many streams are held before they are written: most streams are short, and their rows are written once. */
const heldStreams = 20_000;

/** Applies the log's events to the side table up to a position. */
export async function fill(
  client: ClientBase,
  log: EventLog,
  view: AnyView,
  side: SideTable,
  to: bigint,
  { share, ...watching }: Filling = {},
): Promise<void> {
  if (side.position >= to) return;
  const stretch = { view, table: side.table, after: side.position, to };
  if (share !== undefined && to - side.position > worthSharing) await share(stretch, watching);
  else await fillPart(client, log, stretch, watching);
  if (view.personal !== undefined) {
    for await (const batch of log.readAll({ after: side.position, to, filter: { categories: [erasures] } })) {
      await erase(client, view, side.table, erasedBy(batch));
    }
  }
  side.position = to;
  watching.progress?.(to, to);
}

/** Applies a stretch of the log, or what a part of the streams says in it. */
export async function fillPart(
  client: ClientBase,
  log: EventLog,
  { view, table, after, to }: Stretch,
  { progress, signal }: Watching,
  part?: Part,
): Promise<void> {
  const filter = { categories: view.categories, ...(part === undefined ? {} : { part }) };
  let fold = emptyFold();
  let writing = Promise.resolve();
  for await (const batch of log.readAll({ after, to, filter, batchSize: 2000 })) {
    signal?.throwIfAborted();
    await foldFromTable(client, view, table, fold, batch);
    if (fold.known.size >= heldStreams) {
      await writing;
      // Goes on while the next events are read; what they ask the table for comes after it on the same connection.
      writing = writeRows(client, view, table, fold);
      writing.catch(ignore);
      fold = emptyFold();
    }
    const last = batch.at(-1);
    if (last !== undefined) progress?.(last.position, to);
  }
  await writing;
  await writeRows(client, view, table, fold);
}

/** Whoever awaits the same promise later gets the error. */
function ignore(): void {}
