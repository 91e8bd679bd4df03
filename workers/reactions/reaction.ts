import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { RecordedEvent } from '#domains/kernel/envelope.ts';

/** How often a failed effect is tried before its stream is parked, and how long the waits between are. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly delayMin_ms: number;
  readonly delayMax_ms: number;
}

/** When an event of these types is in the log, something is to happen outside of it. */
export interface Reaction {
  /** Names its checkpoint, so it stays as it is once the reaction has run anywhere. */
  readonly name: string;
  readonly categories: readonly string[];
  readonly types: readonly string[];
  readonly policy: RetryPolicy;
  /** A transient failure is not the event's fault and is retried for ever: what is needed is away, and comes back. */
  isTransient(error: unknown): boolean;
  /** Called at least once an event, in order within a stream: a repeat must change nothing, so key effects by the event's id. */
  react(event: RecordedEvent): Promise<void>;
}

/** A reaction that knows the types of its events. */
export function defineReaction<Event extends DomainEvent>(definition: {
  name: string;
  categories: readonly string[];
  types: ReadonlyArray<Event['type']>;
  policy?: RetryPolicy;
  isTransient: (error: unknown) => boolean;
  react: (event: RecordedEvent<Event>) => Promise<void>;
}): Reaction {
  const { react } = definition;
  return {
    policy: defaultPolicy,
    ...definition,
    react: (event) => react(event as RecordedEvent<Event>),
  };
}

const defaultPolicy: RetryPolicy = { attempts: 5, delayMin_ms: 100, delayMax_ms: 5000 };

/** How long to wait after the `attempt`th failure (from 1). */
export function delayAfter(attempt: number, { delayMin_ms, delayMax_ms }: RetryPolicy): number {
  return Math.min(delayMax_ms, delayMin_ms * 2 ** Math.min(attempt - 1, 30));
}
