import type { Decider } from '#domains/kernel/decider.ts';
import { categoryOf } from '#domains/kernel/envelope.ts';

import { HistoryProblem, type HistoryEvent } from './history.ts';

/** What a replay needs of a decider. */
export type Evolver<State> = Pick<Decider<never, never, State>, 'initialState' | 'evolve'>;

/** A thing as its decider knows it, and what the envelopes of its events tell. */
export interface Thing<State = unknown> {
  readonly id: string;
  readonly state: State;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** When each type of event was last recorded. */
  readonly times: Readonly<Record<string, string>>;
}

/** State that grows event by event, from nothing but the history and the deciders. */
export interface Replay {
  /** How many events were folded, and the positions of the first and the last. */
  readonly seen: { readonly events: number; readonly first: bigint | null; readonly last: bigint };
  /** Folds the next event. Throws a `HistoryProblem` where the history has a hole. */
  add(event: HistoryEvent): void;
  things(category: string): ReadonlyMap<string, Thing>;
  /** Streams that began before the history does: what they came to is unknown. */
  readonly incomplete: ReadonlySet<string>;
}

export interface ReplayOptions {
  /** The position that the history begins at; 0 and 1 mean the beginning of everything. */
  readonly from: bigint;
  /** Whether positions may be missing, as in the history of one tenant or category. */
  readonly filtered: boolean;
  readonly deciders: Readonly<Record<string, Evolver<unknown>>>;
}

export function startReplay({ from, filtered, deciders }: ReplayOptions): Replay {
  const seen = { events: 0, first: null as bigint | null, last: from === 0n ? 0n : from - 1n };
  const versions = new Map<string, number>();
  const incomplete = new Set<string>();
  const things = new Map(Object.keys(deciders).map((category) => [category, new Map<string, Thing>()]));

  function checkPosition({ position }: HistoryEvent): void {
    if (position <= seen.last) throw new HistoryProblem(`Position ${position} comes after ${seen.last}: out of order.`);
    if (position === seen.last + 1n || filtered) return;
    const hole = `Position ${position} follows ${seen.last}: events are missing between them.`;
    throw new HistoryProblem(`${hole} If this is the history of one tenant or category, say so with --filtered.`);
  }

  /** False for a stream whose beginning is not part of the history. */
  function checkVersion({ stream, version, position }: HistoryEvent): boolean {
    if (incomplete.has(stream)) return false;
    const expected = (versions.get(stream) ?? -1) + 1;
    if (version !== expected) {
      if (expected > 0 || from <= 1n) {
        throw new HistoryProblem(`${stream} has version ${version} at position ${position}, where ${expected} is due.`);
      }
      incomplete.add(stream);
      return false;
    }
    // The record of a command stands alone on its stream; remembering each would take memory for nothing.
    if (categoryOf(stream) !== 'command') versions.set(stream, version);
    return true;
  }

  function evolve(event: HistoryEvent): void {
    const category = categoryOf(event.stream);
    const decider = deciders[category];
    const known = things.get(category);
    if (decider === undefined || known === undefined) return;
    const id = event.stream.slice(category.length + 1);
    const before = known.get(id);
    known.set(id, {
      id,
      state: decider.evolve(before?.state ?? decider.initialState, event as never),
      version: event.version,
      createdAt: before?.createdAt ?? event.recordedAt,
      updatedAt: event.recordedAt,
      times: { ...before?.times, [event.type]: event.recordedAt },
    });
  }

  return {
    seen,
    incomplete,
    add(event) {
      checkPosition(event);
      const complete = checkVersion(event);
      seen.events += 1;
      seen.first ??= event.position;
      seen.last = event.position;
      if (complete) evolve(event);
    },
    things: (category) => things.get(category) ?? new Map<string, Thing>(),
  };
}
