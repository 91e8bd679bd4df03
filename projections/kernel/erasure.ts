import type { SubjectEvent } from '#domains/subject/events.ts';
import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { ClientBase } from 'pg';

import { columnOf } from './rows.ts';
import type { AnyView } from './view.ts';

/** The category of the events that say who was erased; every view with personal fields follows it. */
export const erasures = 'subject';

/** Those whom these events erase. */
export function erasedBy(events: Iterable<DomainEvent>): string[] {
  return [...(events as Iterable<SubjectEvent>)].flatMap(({ type, data }) =>
    type === 'SubjectErased' ? [data.subject] : [],
  );
}

/**
 * Makes null what a table holds about these subjects. What is said of them later comes out of the log as null, so this may be done at
 * any time after the erasure, and again.
 */
export async function erase(
  client: Pick<ClientBase, 'query'>,
  { personal = {} }: AnyView,
  table: string,
  subjects: readonly string[],
): Promise<void> {
  if (subjects.length === 0) return;
  for (const [field, about] of Object.entries(personal)) {
    const [column, subject] = [columnOf(field), columnOf(about ?? '')];
    await client.query(`UPDATE ${table} SET ${column} = NULL WHERE ${subject} = ANY ($1) AND ${column} IS NOT NULL`, [
      subjects,
    ]);
  }
}
