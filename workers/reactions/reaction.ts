import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { Consumer, Delivery, RetryPolicy } from '#infra/event-log/consumers/consumer.ts';

/** When an event of these types is in the log, something is to happen outside of it: a consumer that knows the types of its events. */
export function defineReaction<Event extends DomainEvent>(definition: {
  name: string;
  categories: readonly string[];
  types: ReadonlyArray<Event['type']>;
  policy?: RetryPolicy;
  isTransient: (error: unknown) => boolean;
  react: (event: RecordedEvent<Event>, delivery: Delivery) => Promise<void>;
}): Consumer {
  const { react, ...rest } = definition;
  return {
    policy: usualPolicy,
    ...rest,
    handle: (event, delivery) => react(event as RecordedEvent<Event>, delivery),
  };
}

const usualPolicy: RetryPolicy = { attempts: 5, delayMin_ms: 100, delayMax_ms: 5000 };
