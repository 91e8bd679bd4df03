import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { TenantEvent } from '#domains/tenant/events.ts';
import { execute, systemRequest, type Step } from '#infra/commands/execute.ts';
import type { MasterKey } from '#infra/crypto/master-key.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { LogUnavailable } from '#infra/event-log/log-unavailable.ts';
import { isTransient } from '#infra/event-log/postgres/transient.ts';
import { waitForPosition } from '#projections/kernel/consistency.ts';
import type { Pool } from 'pg';

/** What the reactions to a tenant's changes work with. */
export interface CascadeParts {
  readonly log: EventLog;
  readonly pool: Pool;
  readonly masterKey: MasterKey;
}

/** What is needed is on its way (a read model, a node that is still stopping): the reaction comes again. */
class NotYet extends Error {}

export function notYet(what: string): Error {
  return new NotYet(what);
}

/** Whether a failure is no fault of the event's: the log or the database is away, or something is on its way. */
export function isCascadeTransient(error: unknown): boolean {
  return error instanceof NotYet || error instanceof LogUnavailable || isTransient(error);
}

/** Resolves when a read model has come to the event, so that whatever existed before it is seen. */
export async function caughtUp(pool: Pool, views: readonly string[], event: RecordedEvent): Promise<void> {
  const waited = await waitForPosition(pool, views, event.position, 10_000);
  if (!waited.reached) throw notYet(`${views.join(', ')} are at ${waited.at} and not yet at ${event.position}`);
}

/**
 * Carries a tenant's change on to one of its things, by an ordinary command with its own entry. Its id is made of the event's and
 * the thing's, so that a repeat changes nothing. A refusal is fine: somebody else was faster.
 */
export async function cascade(
  { log }: Pick<CascadeParts, 'log'>,
  event: RecordedEvent<TenantEvent>,
  reaction: string,
  what: { action: string; kind: string; id: string; result?: Record<string, string>; steps: readonly Step[] },
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const request = systemRequest({
      action: what.action,
      actor: `reaction/${reaction}`,
      // A command that met other writers has that outcome for ever; the next attempt is another command.
      commandId: `${event.eventId}/${what.id}${attempt === 1 ? '' : `/${attempt}`}`,
      target: { kind: what.kind, id: what.id },
      tenantId: event.data.tenantId,
      correlationId: event.metadata.correlationId,
      causationId: event.eventId,
      ...(what.result === undefined ? {} : { result: what.result }),
    });
    const outcome = await execute(log, request, what.steps);
    if (outcome.outcome === 'rejected' && outcome.rejection.code === 'concurrent_change' && attempt < 10) continue;
    return;
  }
}
