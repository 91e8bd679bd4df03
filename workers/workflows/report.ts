import { fold, type Decider, type DomainEvent } from '#domains/kernel/decider.ts';
import type { RecordedEvent, Target } from '#domains/kernel/envelope.ts';
import type { TenantId } from '#domains/kernel/ids.ts';
import { execute } from '#infra/commands/execute.ts';
import { systemRequest } from '#infra/commands/request.ts';
import type { Step } from '#infra/commands/step.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';

import { permanent } from './failure.ts';

/** The event that a workflow carries out, and the state of its stream now. */
export interface Requested<Request extends DomainEvent, State> {
  readonly request: RecordedEvent<Request>;
  readonly state: State;
}

/** Reads the stream of what a workflow carries out. The request is the first event of it. */
export async function readRequest<Event extends DomainEvent, State, const Type extends Event['type']>(
  log: EventLog,
  stream: string,
  decider: Pick<Decider<never, Event, State>, 'initialState' | 'evolve'>,
  type: Type,
): Promise<Requested<Extract<Event, { type: Type }>, State>> {
  const events = await log.readStream(stream);
  const request = events[0];
  if (request?.type !== type) throw permanent(`The log has no ${type} on ${stream}.`);
  return {
    request: request as RecordedEvent<Extract<Event, { type: Type }>>,
    state: fold(decider, events as unknown as Event[]),
  };
}

export interface Report {
  /** The system actor, such as `workflow/backup`. */
  readonly by: string;
  readonly operationId: string;
  /** What the report follows from. */
  readonly request: RecordedEvent;
  readonly tenantId: TenantId;
  readonly target: Target;
  readonly action: string;
  readonly steps: readonly Step[];
  /** What the command's entry keeps beside. */
  readonly result?: Readonly<Record<string, string>>;
}

const writersMet = 10;

/**
 * Sends a command whose id is made of the operation and the action, so that a repeat is the same command and changes nothing.
 * A rule's refusal rejects for good, with the rule's own words.
 */
export async function report(log: EventLog, { by, operationId, request, steps, ...what }: Report): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    // A command that met other writers too often has that outcome for ever; the next attempt is another command.
    const commandId = `${operationId}/${what.action}${attempt === 1 ? '' : `/${attempt}`}`;
    const { correlationId } = request.metadata;
    const command = systemRequest({ ...what, actor: by, commandId, correlationId, causationId: request.eventId });
    const outcome = await execute(log, command, steps);
    if (outcome.outcome === 'accepted') return;
    if (outcome.outcome === 'reused') throw permanent(`Command ${commandId} was used for something else.`);
    const { code, detail } = outcome.rejection;
    if (code !== 'concurrent_change') throw permanent(detail, code);
    if (attempt === writersMet) throw new Error(detail);
  }
}
