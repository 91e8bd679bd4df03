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
  const commandUid = commandUidOf(actor, commandId);
  const [record] = await log.readStream(commandStream(commandUid));
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
    versions: await versionsWritten(log, commandUid),
  };
}

/** The last version that a command wrote to each stream but its own. */
async function versionsWritten(log: EventLog, commandUid: string): Promise<Record<string, number>> {
  const written = await log.readAppend(commandUid);
  const own = commandStream(commandUid);
  return Object.fromEntries(written.flatMap(({ stream, version }) => (stream === own ? [] : [[stream, version]])));
}
