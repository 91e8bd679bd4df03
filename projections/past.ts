import { fold, type Decider } from '#domains/kernel/decider.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { z } from 'zod';

import { rowsAt } from './kernel/time-travel.ts';
import type { AnyRow, AnyView } from './kernel/view.ts';

/** What folds the events of a stream. */
export type Evolver = Pick<Decider<never, never, unknown>, 'initialState' | 'evolve'>;

/** An aggregate as it was at a position. */
export interface AggregateThen {
  readonly stream: string;
  /** Of its last event by then; -1 when it was not there yet. */
  readonly version: number;
  readonly state: unknown;
}

/** The state that an aggregate's events up to a position lead to. */
export async function aggregateAt(log: EventLog, decider: Evolver, stream: string, at: bigint): Promise<AggregateThen> {
  const events = await log.readStream(stream, { toPosition: at });
  return { stream, version: events.at(-1)?.version ?? -1, state: fold(decider, events as unknown as never[]) };
}

/** The rows of a view as they were at a position, in the order of their keys. */
export async function rowsInOrder(log: EventLog, view: AnyView, at: bigint): Promise<AnyRow[]> {
  const rows = await rowsAt(log, view, { at });
  return [...rows].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, row]) => row);
}

const Time = z.union([z.iso.datetime({ offset: true }), z.iso.date()]).transform((text) => new Date(text));

/**
 * The position that a text stands for: itself, or the last one recorded at or before a time (ISO 8601, as the `at` of HTTP takes it);
 * null for what is neither.
 */
export async function positionNamed(log: EventLog, text: string): Promise<bigint | null> {
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  const time = Time.safeParse(text);
  return time.success ? log.positionAt(time.data) : null;
}
