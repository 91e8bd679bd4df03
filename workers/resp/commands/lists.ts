import type { Client } from '../clients/server.ts';
import { ListValue } from '../keyspace/list-value.ts';
import { NOT_INTEGER, NOT_NEGATABLE, NO_SUCH_KEY, OUT_OF_RANGE, SYNTAX } from '../protocol/errors.ts';
import { parseInteger } from '../protocol/numbers.ts';
import { changed, clampRange, integerArg, integerFrom, readAs, settle, writeAs } from './arguments.ts';
import { listRow } from './rows.ts';
import type { CommandSpec, Run } from './command.ts';
import { asNeeded, inWindows, walkArguments, WINDOW, windows } from './walk.ts';
import type { Walk } from './walk.ts';

const COUNT_RANGE = 'ERR value is out of range, must be positive';

/** LPUSH, RPUSH, LPUSHX and RPUSHX. */
function push(head: boolean, onlyExisting: boolean): Run {
  return (client, args) => {
    const old = writeAs(client, args[1]!, 'list');
    if (old === null) return undefined;
    if (old === undefined && onlyExisting) {
      client.reply.integer(0);
      return undefined;
    }
    const list = old ?? new ListValue();
    if (args.length > WINDOW) return pushMany(client, args, list, old === undefined, head);
    pushSome(args, list, head, 2, args.length);
    pushed(client, args, list, old === undefined, head);
    return undefined;
  };
}

function pushSome(args: readonly string[], list: ListValue, head: boolean, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    if (head) list.pushHead(args[i]!);
    else list.pushTail(args[i]!);
  }
}

function pushed(client: Client, args: readonly string[], list: ListValue, isNew: boolean, head: boolean): void {
  const key = args[1]!;
  if (isNew) client.db.put(key, list);
  else client.db.changed(key, list);
  changed(client, 'l', head ? 'lpush' : 'rpush', key, args.length - 2);
  client.reply.integer(list.length);
}

function pushMany(client: Client, args: readonly string[], list: ListValue, isNew: boolean, head: boolean): Walk {
  return walkArguments(
    args,
    2,
    (from, to) => pushSome(args, list, head, from, to),
    () => pushed(client, args, list, isNew, head),
  );
}

/** LPOP and RPOP. */
function pop(head: boolean): Run {
  return (client, args) => {
    const { reply } = client;
    const key = args[1]!;
    if (args.length > 3) {
      reply.error(`ERR wrong number of arguments for '${head ? 'lpop' : 'rpop'}' command`);
      return undefined;
    }
    const count = args.length === 3 ? integerFrom(client, args[2]!, 0, COUNT_RANGE) : undefined;
    if (args.length === 3 && count === undefined) return undefined;
    const list = writeAs(client, key, 'list');
    if (list === null) return undefined;
    if (list === undefined) {
      if (count === undefined) reply.null();
      else reply.nullArray();
      return undefined;
    }
    const popped = Math.min(count ?? 1, list.length);
    if (count !== undefined) reply.array(popped);
    const popSome = (from: number, to: number): void => {
      for (let i = from; i < to; i++) reply.bulk((head ? list.popHead() : list.popTail())!);
    };
    const end = (): void => {
      if (popped === 0) return;
      changed(client, 'l', head ? 'lpop' : 'rpop', key, popped);
      settle(client, key, list);
    };
    if (popped > WINDOW) return popMany();
    popSome(0, popped);
    end();
    return undefined;
    function* popMany(): Walk {
      yield* windows(popped, popSome);
      end();
    }
  };
}

function length(client: Client, args: readonly string[]): void {
  const list = readAs(client, args[1]!, 'list');
  if (list !== null) client.reply.integer(list?.length ?? 0);
}

function range(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const start = integerArg(client, args[2]!);
  if (start === undefined) return undefined;
  const end = integerArg(client, args[3]!);
  if (end === undefined) return undefined;
  const list = readAs(client, args[1]!, 'list');
  if (list === null) return undefined;
  const part = clampRange(start, end, list?.length ?? 0);
  if (part === undefined || list === undefined) {
    reply.array(0);
    return undefined;
  }
  const size = part.end - part.start + 1;
  reply.array(size);
  return inWindows(size, (from, to) =>
    list.range(part.start + from, part.start + to - 1, (element) => reply.bulk(element)),
  );
}

function index(client: Client, args: readonly string[]): void {
  const list = readAs(client, args[1]!, 'list');
  if (list === null) return;
  if (list === undefined) {
    client.reply.null();
    return;
  }
  const at = integerArg(client, args[2]!);
  if (at !== undefined) client.reply.bulkOrNull(list.at(at < 0 ? at + list.length : at));
}

function set(client: Client, args: readonly string[]): void {
  const { reply } = client;
  const list = writeAs(client, args[1]!, 'list');
  if (list === null) return;
  if (list === undefined) {
    reply.error(NO_SUCH_KEY);
    return;
  }
  const at = integerArg(client, args[2]!);
  if (at === undefined) return;
  const position = at < 0 ? at + list.length : at;
  if (position < 0 || position >= list.length) {
    reply.error(OUT_OF_RANGE);
    return;
  }
  list.expect(args[3]!, client.node.encodingLimits);
  list.replace(position, args[3]!);
  client.db.changed(args[1]!, list);
  changed(client, 'l', 'lset', args[1]!);
  reply.ok();
}

function trim(client: Client, args: readonly string[]): void {
  const start = integerArg(client, args[2]!);
  if (start === undefined) return;
  const end = integerArg(client, args[3]!);
  if (end === undefined) return;
  const list = writeAs(client, args[1]!, 'list');
  if (list === null) return;
  client.reply.ok();
  if (list === undefined) return;
  const before = list.length;
  const part = clampRange(start, end, before);
  if (part === undefined) list.trim(before, before - 1);
  else list.trim(part.start, part.end);
  changed(client, 'l', 'ltrim', args[1]!, before - list.length);
  settle(client, args[1]!, list);
}

/** Positions of an element, from the head, or from the tail when `reverse`, until `visit` returns false. */
function* positions(
  list: ListValue,
  element: string,
  reverse: boolean,
  most: number,
  visit: (at: number) => boolean,
): Walk {
  const { length } = list;
  const last = Math.min(length, most);
  for (let start = 0; start < last; start += WINDOW) {
    const end = Math.min(last, start + WINDOW);
    const elements: string[] = [];
    if (reverse) list.range(length - end, length - start - 1, (other) => elements.push(other));
    else list.range(start, end - 1, (other) => elements.push(other));
    if (reverse) elements.reverse();
    for (const [i, other] of elements.entries()) {
      if (other === element && !visit(reverse ? length - 1 - start - i : start + i)) return;
    }
    yield;
  }
}

function remove(client: Client, args: readonly string[]): Walk | undefined {
  const count = integerArg(client, args[2]!);
  if (count === undefined) return undefined;
  const list = writeAs(client, args[1]!, 'list');
  if (list === null) return undefined;
  return asNeeded(list?.length ?? 0, removeFound());
  function* removeFound(): Walk {
    const found: number[] = [];
    const most = count === 0 ? Infinity : Math.abs(count!);
    if (list instanceof ListValue) {
      yield* positions(list, args[3]!, count! < 0, Infinity, (at) => {
        found.push(at);
        return found.length < most;
      });
      // From the back, so that the positions before stay what they are.
      if (count! >= 0) found.reverse();
      yield* windows(found.length, (from, to) => {
        for (let i = from; i < to; i++) list.removeAt(found[i]!);
      });
      if (found.length > 0) {
        changed(client, 'l', 'lrem', args[1]!, found.length);
        settle(client, args[1]!, list);
      }
    }
    client.reply.integer(found.length);
  }
}

function insert(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const where = args[2]!.toUpperCase();
  if (where !== 'BEFORE' && where !== 'AFTER') {
    reply.error(SYNTAX);
    return undefined;
  }
  const list = writeAs(client, args[1]!, 'list');
  if (list === null) return undefined;
  if (list === undefined) {
    reply.integer(0);
    return undefined;
  }
  return asNeeded(list.length, insertAt(list));
  function* insertAt(into: ListValue): Walk {
    let pivot = -1;
    yield* positions(into, args[3]!, false, Infinity, (at) => {
      pivot = at;
      return false;
    });
    if (pivot < 0) {
      reply.integer(-1);
      return;
    }
    into.insert(where === 'BEFORE' ? pivot : pivot + 1, args[4]!);
    client.db.changed(args[1]!, into);
    changed(client, 'l', 'linsert', args[1]!);
    reply.integer(into.length);
  }
}

interface PositionOptions {
  rank: number;
  count: number | undefined;
  maxLength: number;
}

function positionOptions(client: Client, args: readonly string[]): PositionOptions | undefined {
  const { reply } = client;
  const options: PositionOptions = { rank: 1, count: undefined, maxLength: 0 };
  for (let i = 3; i < args.length; i += 2) {
    const option = args[i]!.toUpperCase();
    if (!/^(?:RANK|COUNT|MAXLEN)$/.test(option) || i + 1 >= args.length) {
      reply.error(SYNTAX);
      return undefined;
    }
    const value = parseInteger(args[i + 1]!);
    if (option === 'RANK') {
      // The one number whose opposite does not fit 64 bits.
      const smallest = args[i + 1] === '-9223372036854775808';
      if (value === undefined || smallest) {
        reply.error(smallest ? NOT_NEGATABLE : NOT_INTEGER);
        return undefined;
      }
      if (value === 0) {
        reply.error(
          "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
        );
        return undefined;
      }
      options.rank = value;
    } else if (value === undefined || value < 0) {
      reply.error(`ERR ${option} can't be negative`);
      return undefined;
    } else if (option === 'COUNT') options.count = value;
    else options.maxLength = value;
  }
  return options;
}

function position(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const options = positionOptions(client, args);
  if (options === undefined) return undefined;
  const list = readAs(client, args[1]!, 'list');
  if (list === null) return undefined;
  const { rank, count, maxLength } = options;
  return asNeeded(list?.length ?? 0, find());
  function* find(): Walk {
    const found: number[] = [];
    let skip = Math.abs(rank) - 1;
    const most = count === undefined ? 1 : count === 0 ? Infinity : count;
    if (list instanceof ListValue) {
      yield* positions(list, args[2]!, rank < 0, maxLength === 0 ? Infinity : maxLength, (at) => {
        if (skip-- > 0) return true;
        found.push(at);
        return found.length < most;
      });
    }
    if (count === undefined) {
      if (found.length === 0) reply.null();
      else reply.integer(found[0]!);
      return;
    }
    reply.array(found.length);
    yield* windows(found.length, (from, to) => {
      for (let i = from; i < to; i++) reply.integer(found[i]!);
    });
  }
}

const WRITE = 'write denyoom fast';

export const listCommands: readonly CommandSpec[] = [
  listRow('lpush', -3, WRITE, '1.0.0', 'Prepends one or more elements to a list.', push(true, false)),
  listRow('rpush', -3, WRITE, '1.0.0', 'Appends one or more elements to a list.', push(false, false)),
  listRow('lpushx', -3, WRITE, '2.2.0', 'Prepends elements to a list only when the list exists.', push(true, true)),
  listRow('rpushx', -3, WRITE, '2.2.0', 'Appends elements to a list only when the list exists.', push(false, true)),
  listRow('lpop', -2, 'write fast', '1.0.0', 'Returns the first elements in a list after removing them.', pop(true)),
  listRow('rpop', -2, 'write fast', '1.0.0', 'Returns the last elements of a list after removing them.', pop(false)),
  listRow('llen', 2, 'readonly fast', '1.0.0', 'Returns the length of a list.', length),
  listRow('lrange', 4, 'readonly', '1.0.0', 'Returns a range of elements from a list.', range),
  listRow('lindex', 3, 'readonly', '1.0.0', 'Returns an element from a list by its index.', index),
  listRow('lset', 4, 'write denyoom', '1.0.0', 'Sets the value of an element in a list by its index.', set),
  listRow('ltrim', 4, 'write', '1.0.0', 'Removes elements from both ends of a list.', trim),
  listRow('lrem', 4, 'write', '1.0.0', 'Removes elements from a list.', remove),
  listRow('linsert', 5, 'write denyoom', '2.2.0', 'Inserts an element before or after another element.', insert),
  listRow('lpos', -3, 'readonly', '6.0.6', 'Returns the index of matching elements in a list.', position),
];
