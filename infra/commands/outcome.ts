import { commandStream, type CommandRecord } from '#domains/kernel/command-record.ts';
import type { Actor, RecordedEvent, Target } from '#domains/kernel/envelope.ts';
import type { Rejection, RejectionCode } from '#domains/kernel/rejection.ts';
import { commandUidOf } from '#infra/event-log/event-ids.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';

/** What became of a command. `repeated` says that it was handled before and this is what was recorded then. */
export type CommandOutcome =
  | {
      readonly outcome: 'accepted';
      readonly position: bigint;
      readonly repeated: boolean;
      readonly target: Target;
      readonly result: Readonly<Record<string, string>>;
      /** The versions of the streams the command wrote to, after it. */
      readonly versions: Readonly<Record<string, number>>;
    }
  | {
      readonly outcome: 'rejected' | 'denied';
      readonly position: bigint;
      readonly repeated: boolean;
      readonly rejection: Rejection;
    }
  /** The id was used before for another request. */
  | { readonly outcome: 'reused' };

/** The recorded outcome of a command of this actor, or null if there is none yet. */
export async function findOutcome(
  log: EventLog,
  actor: Actor,
  commandId: string,
  requestHmac: string,
): Promise<CommandOutcome | null> {
  const [record] = await log.readStream(commandStream(commandUidOf(actor, commandId)));
  if (record === undefined) return null;
  const recorded = record as RecordedEvent<CommandRecord>;
  if (recorded.data.requestHmac !== requestHmac) return { outcome: 'reused' };
  const { position } = recorded;
  if (recorded.type === 'CommandRejected' || recorded.type === 'CommandDenied') {
    const { code, detail } = recorded.data as { code: RejectionCode; detail: string };
    const outcome = recorded.type === 'CommandDenied' ? 'denied' : 'rejected';
    return { outcome, position, repeated: true, rejection: { rejected: true, code, detail } };
  }
  const { targetKind, targetId, result } = recorded.data as { result?: Record<string, string> } & typeof recorded.data;
  return {
    outcome: 'accepted',
    position,
    repeated: true,
    target: { kind: targetKind, id: targetId },
    // An access that is recorded in the place of an acceptance has no result.
    result: result ?? {},
    versions: await versionsWritten(log, recorded),
  };
}

const window = 32n;

/** A command's events stand right before its record. */
async function versionsWritten(log: EventLog, record: RecordedEvent): Promise<Record<string, number>> {
  const versions: Record<string, number> = {};
  for (let to = record.position - 1n; to > 0n; to -= window) {
    const after = to > window ? to - window : 0n;
    for await (const batch of log.readAll({ after, to })) {
      for (const event of batch.toReversed()) {
        if (!sameCommand(event, record)) return versions;
        versions[event.stream] ??= event.version;
      }
    }
  }
  return versions;
}

function sameCommand(event: RecordedEvent, record: RecordedEvent): boolean {
  const [left, right] = [event.metadata, record.metadata];
  return left.commandId === right.commandId && left.actor.kind === right.actor.kind && left.actor.id === right.actor.id;
}
