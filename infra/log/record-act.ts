import type { Target } from '#domains/kernel/envelope.ts';
import { execute, systemRequest } from '#infra/commands/execute.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { v7 as uuidv7 } from 'uuid';

/** What somebody at the command line is about to do to the log or to what follows from it. */
export interface Act {
  readonly action: 'SkipParkedEvent' | 'ReplayParked' | 'DropGroup' | 'ArchiveLog' | 'ExportKeys' | 'ImportKeys';
  readonly target: Target;
  /** Whose it is: the tenant finds it in its own timeline. */
  readonly tenantId?: string | null;
  /** The event it is about. */
  readonly causationId?: string;
  /** What else there is to know of it, for whoever reads the history. */
  readonly details?: Readonly<Record<string, string>>;
}

/**
 * Records an act as a command like any other, so that it stands in the audit timeline. It comes before the act: one that could not be
 * recorded is not done, and one that was cut short can be seen to have begun.
 */
export async function recordAct(log: EventLog, act: Act): Promise<void> {
  const { action, target, tenantId = null, causationId = null, details = {} } = act;
  const commandId = uuidv7();
  const actor = 'command-line';
  const request = {
    action,
    target,
    tenantId,
    causationId,
    actor,
    commandId,
    correlationId: commandId,
    result: details,
  };
  const { outcome } = await execute(log, systemRequest(request), []);
  if (outcome !== 'accepted') throw new Error(`${action} could not be recorded: ${outcome}.`);
}
