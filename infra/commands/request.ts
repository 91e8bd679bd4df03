import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { Actor, Metadata, Target } from '#domains/kernel/envelope.ts';
import { sha256Hex } from '#infra/crypto/secrets.ts';

/** Everything about a command that is not the business of deciders: who, from where, under which id, about what. */
export interface CommandRequest {
  /** What is asked for, such as `node.create`. */
  readonly action: string;
  readonly actor: Actor;
  readonly address: string | null;
  /** The `Idempotency-Key`, or a new UUIDv7 where the caller gave none. */
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string | null;
  readonly trace: string | null;
  readonly tenantId: string | null;
  readonly target: Target;
  /** Keyed hash of all that makes the request what it is; another one under the same id is a reuse. */
  readonly requestHmac: string;
  /** What a repeat needs to be answered again; never a secret. */
  readonly result?: Readonly<Record<string, string>>;
  /** Stands on the command's stream in the place of `CommandAccepted`, such as `DataAccessed`; with the same fields. */
  readonly recordAs?: DomainEvent;
}

/**
 * A request by a part of the platform. Its command id is made by the caller from what it reacts to (such as event id and verb), so
 * that doing it twice has one effect.
 */
export function systemRequest(what: {
  readonly action: string;
  /** Which part, such as `reaction/suspend-nodes`. */
  readonly actor: string;
  readonly commandId: string;
  readonly target: Target;
  readonly tenantId: string | null;
  readonly correlationId: string;
  /** The id of the event or command that led to this. */
  readonly causationId: string | null;
  readonly result?: Readonly<Record<string, string>>;
}): CommandRequest {
  const { actor, ...rest } = what;
  return {
    ...rest,
    actor: { kind: 'system', id: actor },
    address: null,
    trace: null,
    // The command id says all there is to say; nobody but this part of the platform can use it.
    requestHmac: sha256Hex(JSON.stringify([what.action, what.target.kind, what.target.id])),
  };
}

/** What all events that come of a request carry. */
export function metadataOf(request: CommandRequest): Metadata {
  const { actor, address, commandId, correlationId, causationId, trace, tenantId } = request;
  return { actor, address, commandId, correlationId, causationId, trace, tenantId };
}
