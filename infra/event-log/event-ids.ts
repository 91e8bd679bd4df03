import type { Actor } from '#domains/kernel/envelope.ts';
import { v5 as uuidv5 } from 'uuid';

/** A namespace of our own for names by RFC 9562; it must never change, or repeats would no longer be recognised. */
const commands = '5d2f3b0e-8c1a-5e7d-9b46-2f7a1c6e0d93';

/** The command id made unique by who sent it: two actors may well choose the same `Idempotency-Key`. */
export function commandUidOf(actor: Actor, commandId: string): string {
  return uuidv5(`${actor.kind}:${actor.id}:${commandId}`, commands);
}

/** The id of the n-th event (from 0) that a command led to: the same again when the command is repeated. */
export function eventIdOf(commandUid: string, index: number): string {
  return uuidv5(String(index), commandUid);
}
