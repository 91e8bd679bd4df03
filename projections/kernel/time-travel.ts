import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';

import { applyInMemory, emptyFold } from './fold.ts';
import { pageOf, type BadCursor, type Page, type PageRequest } from './page.ts';
import type { AnyRow, View } from './view.ts';

/**
 * The rows of a view as they were at a position, by primary key, folded from the log with the view's own reducer; the live table is
 * not touched. Memory holds the rows and one batch of events, whatever the log's length. `streams` narrows it to what these
 * streams alone say, which is quick.
 */
export async function rowsAt<Row extends AnyRow, Event extends DomainEvent>(
  log: EventLog,
  view: View<Row, Event>,
  { at, streams }: { at: bigint; streams?: readonly string[] },
): Promise<Map<string, Row>> {
  const fold = emptyFold();
  if (streams === undefined) {
    const filter = { categories: view.categories };
    for await (const batch of log.readAll({ after: 0n, to: at, filter })) {
      for (const event of batch) applyInMemory(view, fold, event);
    }
  } else {
    for (const stream of streams) {
      for (const event of await log.readStream(stream, { toPosition: at })) applyInMemory(view, fold, event);
    }
  }
  return fold.written as Map<string, Row>;
}

/** A page of a view's rows as they were at a position: those in which each field that is given has the given value. */
export async function pageAt<Row extends AnyRow, Event extends DomainEvent>(
  log: EventLog,
  view: View<Row, Event>,
  {
    fields,
    hidden,
    ...past
  }: {
    at: bigint;
    streams?: readonly string[];
    fields: { readonly [Field in keyof Row]?: Row[Field] | undefined };
    /** The state that is left out unless a state is asked for. */
    hidden?: string;
  },
  page: PageRequest,
): Promise<Page<Row> | BadCursor> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const left = fields['state'] === undefined ? hidden : undefined;
  const rows = [...(await rowsAt(log, view, past)).values()].filter(
    (row) => given.every(([field, value]) => row[field] === value) && (left === undefined || row['state'] !== left),
  );
  return pageOf(view, rows, page);
}
