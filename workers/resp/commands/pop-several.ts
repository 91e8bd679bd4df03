import { block } from '../clients/blocking.ts';
import type { Client } from '../clients/server.ts';
import { atOnce } from '../keyspace/steps.ts';
import { typeOf } from '../keyspace/value.ts';
import { SYNTAX } from '../protocol/errors.ts';
import { changed, integerFrom, settle, writeAs } from './arguments.ts';
import type { Kinds } from './arguments.ts';
import type { Run } from './command.ts';
import { secondsArg } from './timeouts.ts';
import { asNeeded, windows } from './walk.ts';
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

/** How the multiple pops of a type differ from each other's. */
interface PoppedKind<K extends 'list' | 'zset', End extends string> {
  readonly kind: K;
  /** The class of its notifications. */
  readonly letter: string;
  readonly ends: readonly [End, End];
  /** The command that takes from one end of one key: what is journaled, and by its name in lower case what is told. */
  readonly effects: Readonly<Record<End, string>>;
  /** Takes so many from an end, and writes them. */
  readonly take: (client: Client, value: Kinds[K], end: End, count: number) => void;
}

/** LMPOP and ZMPOP (`first` is 1), BLMPOP and BZMPOP (`first` is 2, after the timeout). */
export function multiPop<K extends 'list' | 'zset', End extends string>(
  first: 1 | 2,
  { kind, letter, ends, effects, take }: PoppedKind<K, End>,
): Run {
  return (client, args) => {
    const { db, node, reply } = client;
    const asked = popArgs(client, args, first, ends);
    if (asked === undefined) return undefined;
    const { keys, end, count } = asked;
    const timeout = first === 2 ? secondsArg(client, args[1]!) : undefined;
    if (first === 2 && timeout === undefined) return undefined;
    return popFirst(client, kind, keys, timeout, (key, value) => {
      const popped = Math.min(count, value.kind === 'list' ? value.length : value.size);
      return asNeeded(popped, popAll());
      function* popAll(): Walk {
        reply.array(2);
        reply.bulk(key);
        reply.array(popped);
        yield* windows(popped, (from, to) => take(client, value, end, to - from));
        changed(client, letter, effects[end].toLowerCase(), key, popped);
        settle(client, key, value);
        node.propagate(db.index, [effects[end], key, String(popped)]);
      }
    });
  };
}

/** Reads `numkeys key … <end> [COUNT count]`; when it is something else, replies with the error and returns undefined. */
function popArgs<End extends string>(
  client: Client,
  args: readonly string[],
  first: 1 | 2,
  ends: readonly [End, End],
): { keys: string[]; end: End; count: number } | undefined {
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
 * Serves a client by `pop` from the first key that is there; one of another type ends the search with an error. When there is none, the
 * client waits for one, or is told so at once if it has no timeout (in milliseconds) or may not block. What takes long `pop` gives as a
 * walk.
 */
export function popFirst<K extends 'list' | 'zset'>(
  client: Client,
  kind: K,
  keys: readonly string[],
  timeout: number | undefined,
  pop: (key: string, value: Kinds[K]) => Walk | undefined,
): Walk | undefined {
  const { db, reply } = client;
  const take = (): boolean | Walk => {
    for (const key of keys) {
      const value = writeAs(client, key, kind);
      if (value === null) return true;
      if (value !== undefined) return pop(key, value) ?? true;
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
    if (value === undefined || typeOf(value) !== kind) return false;
    const served = take();
    if (typeof served === 'object') atOnce(served);
    return served !== false;
  };
  block(client, keys, timeout, { serve, timedOut: () => reply.nullArray() });
  return undefined;
}
