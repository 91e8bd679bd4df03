import { hash } from 'node:crypto';

import type { Actor } from '#domains/kernel/envelope.ts';
import { v5 as uuidv5 } from 'uuid';

import { writeUuid } from './uuid-bytes.ts';

/** A namespace of our own for names by RFC 9562; it must never change, or repeats would no longer be recognised. */
const commands = '5d2f3b0e-8c1a-5e7d-9b46-2f7a1c6e0d93';

/** The command id made unique by who sent it: two actors may well choose the same `Idempotency-Key`. */
export function commandUidOf(actor: Actor, commandId: string): string {
  return uuidv5(`${actor.kind}:${actor.id}:${commandId}`, commands);
}

const name = Buffer.alloc(16 + 10);

/** The id of the n-th event (from 0) that a command led to: the same again when the command is repeated. It is uuidv5(command, n). */
export function eventIdOf(commandUid: string, index: number): string {
  writeUuid(commandUid, name, 0);
  const length = 16 + name.write(String(index), 16, 'latin1');
  const digest = hash('sha1', name.subarray(0, length), 'hex');
  const variant = '89ab'[Number.parseInt(digest.charAt(16), 16) & 3];
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
