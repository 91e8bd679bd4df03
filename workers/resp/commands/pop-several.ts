import { block } from '../clients/blocking.ts';
import type { Client } from '../clients/server.ts';
import { typeOf } from '../keyspace/value.ts';
import type { TypeName } from '../keyspace/value.ts';
import { SYNTAX, WRONG_TYPE } from '../protocol/errors.ts';
import { integerFrom } from './arguments.ts';
import { secondsArg } from './timeouts.ts';
import { atOnce } from './walk.ts';
import type { Walk } from './walk.ts';

/** Which end of a collection a word names, of the two there are; otherwise replies with the error and returns undefined. */
export function endArg<End extends string>(
  client: Client,
  text: string | undefined,
  ends: readonly [End, End],
): End | undefined {
  const word = text?.toUpperCase();
  const end = ends.find((one) => one === word);
  if (end === undefined) client.reply.error(SYNTAX);
  return end;
}

/** What LMPOP, ZMPOP (`first` is 1), BLMPOP and BZMPOP (`first` is 2, after the timeout) ask for. */
export interface MultiPop<End> {
  readonly keys: readonly string[];
  readonly end: End;
  readonly count: number;
  /** In milliseconds; undefined for those that never wait. */
  readonly timeout: number | undefined;
}

/** Reads `[timeout] numkeys key … <end> [COUNT count]`; when it is something else, replies with the error and returns undefined. */
export function multiPopArgs<End extends string>(
  client: Client,
  args: readonly string[],
  first: 1 | 2,
  ends: readonly [End, End],
): MultiPop<End> | undefined {
  const asked = popArgs(client, args, first, ends);
  if (asked === undefined || first === 1) return asked && { ...asked, timeout: undefined };
  const timeout = secondsArg(client, args[1]!);
  return timeout === undefined ? undefined : { ...asked, timeout };
}

function popArgs<End extends string>(
  client: Client,
  args: readonly string[],
  first: 1 | 2,
  ends: readonly [End, End],
): Omit<MultiPop<End>, 'timeout'> | undefined {
  const numKeys = integerFrom(client, args[first]!, 1, 'ERR numkeys should be greater than 0');
  if (numKeys === undefined) return undefined;
  const afterKeys = first + 1 + numKeys;
  const end = endArg(client, args[afterKeys], ends);
  if (end === undefined) return undefined;
  const keys = args.slice(first + 1, afterKeys);
  if (args.length === afterKeys + 1) return { keys, end, count: 1 };
  if (args[afterKeys + 1]!.toUpperCase() !== 'COUNT' || args.length < afterKeys + 3) {
    client.reply.error(SYNTAX);
    return undefined;
  }
  const count = integerFrom(client, args[afterKeys + 2]!, 1, 'ERR count should be greater than 0');
  if (count === undefined) return undefined;
  if (args.length > afterKeys + 3) {
    client.reply.error(SYNTAX);
    return undefined;
  }
  return { keys, end, count };
}

/**
 * Serves a client from the first key that `attempt` succeeds with. A key of another type ends the search with an error. When there
 * is none, the client waits for one, or is told so at once if it has no timeout (in milliseconds) or may not block. What takes long
 * `attempt` gives as a walk.
 */
export function popFirst(
  client: Client,
  type: TypeName,
  keys: readonly string[],
  timeout: number | undefined,
  attempt: (key: string) => boolean | Walk,
): Walk | undefined {
  const { db, reply } = client;
  const take = (): boolean | Walk => {
    for (const key of keys) {
      const value = db.peek(key);
      if (value !== undefined && typeOf(value) !== type) {
        reply.error(WRONG_TYPE);
        return true;
      }
      const taken = attempt(key);
      if (taken !== false) return taken;
    }
    return false;
  };
  const taken = take();
  if (taken !== false) return taken === true ? undefined : taken;
  if (timeout === undefined || !client.mayBlock) {
    reply.nullArray();
    return undefined;
  }
  // As since 7.2, a key that is ready wakes the client, which then looks at all its keys again, in their order.
  const serve = (key: string): boolean => {
    const value = db.peek(key);
    if (value === undefined || typeOf(value) !== type) return false;
    const served = take();
    if (typeof served === 'object') atOnce(served);
    return served !== false;
  };
  block(client, keys, timeout, { serve, timedOut: () => reply.nullArray() });
  return undefined;
}
