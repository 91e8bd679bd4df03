import type { Rejection } from './rejection.ts';

/** What the log holds of a fact: its type and its data. Everything else about it is in the envelope. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** What somebody wants done. Time and new ids come in with it, so that deciding stays pure. */
export interface DomainCommand<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** Events to append (none when the wish is already so), or the reason why not. */
export type Decision<Event> = readonly Event[] | Rejection;

/** Three pure functions' worth of business rules; see https://thinkbeforecoding.com/post/2021/12/17/functional-event-sourcing-decider */
export interface Decider<Command, Event, State> {
  readonly initialState: State;
  decide(command: Command, state: State): Decision<Event>;
  evolve(state: State, event: Event): State;
  /**
   * Raise it when `evolve` comes to mean something else though its own text stays as it is, as when a function that it calls changes:
   * states folded before are then not used any more.
   */
  readonly revision?: number;
}

/** The state that the events lead to, starting from nothing. */
export function fold<Event, State>(
  decider: Pick<Decider<never, Event, State>, 'initialState' | 'evolve'>,
  events: Iterable<Event>,
): State {
  let state = decider.initialState;
  for (const event of events) state = decider.evolve(state, event);
  return state;
}
