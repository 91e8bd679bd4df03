import type { DomainEvent } from './decider.ts';

/** What every command leaves behind, whatever became of it. The HMAC of the request tells a repeat from a reuse of its id. */
interface Recorded {
  action: string;
  targetKind: string;
  targetId: string;
  requestHmac: string;
}

export type CommandRecord =
  /** `result` is what a repeat needs to be answered again, such as the id of the operation; never a secret. */
  | DomainEvent<'CommandAccepted', Recorded & { result: Record<string, string> }>
  | DomainEvent<'CommandRejected', Recorded & { code: string; detail: string }>
  | DomainEvent<'CommandDenied', Recorded & { code: string; detail: string }>;

/** The stream of one command; `commandUid` is the command id made unique by its actor. */
export const commandStream = (commandUid: string) => `command-${commandUid}`;
