import { readFileSync } from 'node:fs';

import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { RecordedEvent } from '#domains/kernel/envelope.ts';

/** A recorded event whose data goes with its type, so that a `switch` over the type knows the data. */
export type Fact<Event extends DomainEvent = DomainEvent> = Event extends unknown
  ? Omit<RecordedEvent, 'type' | 'data'> & Event
  : never;

/**
 * How a field of a row lies in PostgreSQL and comes back: `count` is a number in a bigint column, `position` a bigint, `timestamp`
 * ISO 8601 with milliseconds, `json` anything JSON can say. Every field may be null.
 */
export type FieldKind = 'text' | 'integer' | 'count' | 'position' | 'timestamp' | 'json';

/** A row of any view, when its type does not matter. Rows are type aliases, since interfaces have no index signature. */
export type AnyRow = Record<string, unknown>;

/**
 * A read model: one table, and a pure reducer that says what an event does to it. All that a row holds comes from events, times
 * included, so that whoever folds the log again gets the same rows to the byte. A row comes from the events of one stream alone, so
 * that the first event of a stream finds no row, and streams can be folded beside each other.
 */
export interface View<Row extends AnyRow, Event extends DomainEvent> {
  /** The table is `views.<name>`. */
  readonly name: string;
  /** To be raised when the reducer gives the same events another meaning; running platforms then rebuild the view. */
  readonly revision: number;
  /** The table's definition, with `{{table}}` for its name, so that a rebuild can fill one beside the live one. */
  readonly definition: string;
  /** The categories of streams whose events the view reads, all of them. */
  readonly categories: readonly string[];
  /** The field that is the primary key. */
  readonly key: keyof Row & string;
  readonly fields: { readonly [Field in keyof Row]: FieldKind };
  /** Fields that are about somebody, each with the field that says about whom: they become null when that subject is erased. */
  readonly personal?: { readonly [Field in keyof Row]?: keyof Row & string };
  /** How an event finds the row it changes. */
  readonly lookup: Lookup;
  /** What `lookup` looks for; null when the event is none of the view's business. */
  find(event: Fact<Event>): string | null;
  /** The rows that are new or different after the event. Throws on an event that can't be: the view then halts there. */
  apply(row: Row | undefined, event: Fact<Event>): readonly Row[];
}

/** Any view, for the machinery that keeps them all. */
export type AnyView = View<AnyRow, DomainEvent>;

type Lookup =
  /** By the primary key. */
  | { readonly by: 'key' }
  /** By another field, among the rows that are open; there is at most one such row. */
  | { readonly by: 'field'; readonly field: string; readonly openSql: string; isOpen(row: AnyRow): boolean }
  /** Every event makes rows of its own and changes none. */
  | { readonly by: 'nothing' };

/** The text of a `table.sql` beside the caller. */
export function readDefinition(importMetaUrl: string): string {
  return readFileSync(new URL('./table.sql', importMetaUrl), 'utf8');
}

/** The id that a stream is named after: `tnt_…` of `tenant-tnt_…`. */
export function subjectOf(event: { readonly stream: string }): string {
  return event.stream.slice(event.stream.indexOf('-') + 1);
}

/** The row as the event left it: changed, with the event's time and version on it. */
export function changed<Row extends { updatedAt: string; version: number }>(
  row: Row | undefined,
  event: Fact,
  change: Partial<Row>,
): readonly Row[] {
  return [{ ...existing(row, event), ...change, updatedAt: event.recordedAt, version: event.version }];
}

/** The row that an event changes. A reducer that has none was given a history without its beginning. */
export function existing<Row>(row: Row | undefined, event: Fact): Row {
  if (row === undefined) {
    throw new Error(`${event.type} at position ${event.position} changes ${event.stream}, of which nothing is known`);
  }
  return row;
}

/** For the `default` of a reducer's `switch`: a type that this program does not know, written by a newer one. */
export function unknownEvent(event: never): never {
  const { type, position } = event as Fact;
  throw new Error(
    `${type} at position ${position} is unknown to this version; run the version that wrote it, or a newer one`,
  );
}
