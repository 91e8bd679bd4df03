import { categoryOf, type RecordedEvent } from '#domains/kernel/envelope.ts';

import type { AnyRow, AnyView, Fact } from './view.ts';

/** Rows in memory while events are applied to them. */
export interface Fold<Row extends AnyRow = AnyRow> {
  /** The rows that events may change, by what the view looks them up by. */
  readonly current: Map<string, Row>;
  /** The rows that events made or changed, by primary key. */
  readonly written: Map<string, Row>;
  /** What was looked up already, and whatever there is of it is in `current`. */
  readonly known: Set<string>;
}

export function emptyFold<Row extends AnyRow = AnyRow>(): Fold<Row> {
  return { current: new Map(), written: new Map(), known: new Set() };
}

/** What the event looks for in the view; null when it is none of the view's business. */
export function soughtBy(view: AnyView, event: RecordedEvent): string | null {
  return view.categories.includes(categoryOf(event.stream)) ? view.find(event) : null;
}

/** Applies one event to the rows in memory. Throws, with the rows as they were, when the view can't apply it. */
export function applyInMemory(view: AnyView, fold: Fold, event: RecordedEvent): void {
  const sought = soughtBy(view, event);
  if (sought === null) return;
  const { lookup } = view;
  const rows = view.apply(fold.current.get(sought), event as Fact).map((row) => storable(view, row));
  for (const row of rows) {
    fold.written.set(String(row[view.key]), row);
    if (lookup.by === 'key') fold.current.set(String(row[view.key]), row);
  }
  if (lookup.by !== 'field') return;
  const open = rows.findLast((row) => lookup.isOpen(row));
  if (open !== undefined) fold.current.set(String(open[lookup.field]), open);
  else if (rows.length > 0) fold.current.delete(sought);
}

/**
 * The row with its texts as PostgreSQL can keep them: it takes neither NUL nor half a surrogate pair, and what somebody wrote into a
 * name or a reason must not halt a view.
 */
function storable<Row extends AnyRow>(view: AnyView, row: Row): Row {
  let clean: AnyRow | undefined;
  for (const [field, kind] of Object.entries(view.fields)) {
    const value = row[field];
    if (kind === 'text' && typeof value === 'string' && !isStorable(value)) {
      clean ??= { ...row };
      clean[field] = value.toWellFormed().replaceAll('\0', '\uFFFD');
    }
  }
  return (clean as Row | undefined) ?? row;
}

const isStorable = (text: string) => text.isWellFormed() && !text.includes('\0');
