import type { Decider, Decision, DomainCommand, DomainEvent } from '#domains/kernel/decider.ts';

/** How the state of a stream follows from its events. Two are the same when their `evolve` is. */
export interface Fold {
  readonly initialState: unknown;
  readonly evolve: Evolve;
  readonly revision: number;
}

export type Evolve = (state: unknown, event: DomainEvent) => unknown;

/** One decision that a request needs: a command put to the state of a stream. */
export interface Step {
  readonly stream: string;
  /** The version the caller has seen (`If-Match`); if the stream has moved on, the request is refused. */
  readonly expectedVersion?: number;
  readonly fold: Fold;
  /** What follows, given the state that everything on the stream has led to. */
  decide(state: unknown): Decision<DomainEvent>;
}

/** A step of a request. The types of decider, command and events belong together here, and are of no interest after. */
export function step<Command extends DomainCommand, Event extends DomainEvent, State>(what: {
  readonly stream: string;
  readonly decider: Decider<Command, Event, State>;
  readonly command: Command;
  readonly expectedVersion?: number | undefined;
}): Step {
  const { stream, decider, command, expectedVersion } = what;
  return {
    stream,
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    fold: foldOf(decider),
    decide: (state) => decider.decide(command, state as State),
  };
}

/** The fold of a decider. A stream is written through its decider alone, so its events are of the decider's union. */
export function foldOf<Event extends DomainEvent, State>(
  decider: Pick<Decider<never, Event, State>, 'initialState' | 'evolve' | 'revision'>,
): Fold {
  const { initialState, evolve, revision = 0 } = decider as unknown as Omit<Fold, 'revision'> & { revision?: number };
  return { initialState, evolve, revision };
}
