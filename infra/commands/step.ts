import type { Decider, Decision, DomainCommand, DomainEvent } from '#domains/kernel/decider.ts';
import { fold } from '#domains/kernel/decider.ts';

/** One decision that a request needs: a command put to the state of a stream. */
export interface Step {
  readonly stream: string;
  /** The version the caller has seen (`If-Match`); if the stream has moved on, the request is refused. */
  readonly expectedVersion?: number;
  /** What follows, given everything that happened on the stream. */
  decide(history: readonly DomainEvent[]): Decision<DomainEvent>;
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
    // A stream is written through its decider alone, so its events are of the decider's union.
    decide: (history) => decider.decide(command, fold(decider, history as readonly Event[])),
  };
}
