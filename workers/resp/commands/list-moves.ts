import { block } from '../clients/blocking.ts';
import type { Client } from '../clients/server.ts';
import { ListValue } from '../keyspace/list-value.ts';
import { SYNTAX, TIMEOUT_NEGATIVE, TIMEOUT_NOT_FLOAT, WRONG_TYPE } from '../protocol/errors.ts';
import { parseDouble } from '../protocol/numbers.ts';
import { typeOf } from '../keyspace/value.ts';
import { changed, integerFrom, settle, writeAs } from './arguments.ts';
import { countedKeys } from './command.ts';
import type { CommandSpec, Run } from './command.ts';
import { listRow } from './rows.ts';

type End = 'LEFT' | 'RIGHT';

function endOf(client: Client, text: string): End | undefined {
  const end = text.toUpperCase();
  if (end === 'LEFT' || end === 'RIGHT') return end;
  client.reply.error(SYNTAX);
  return undefined;
}

/** Reads a timeout in seconds as milliseconds; when it is none, replies with the error and returns undefined. */
export function timeoutArg(client: Client, text: string): number | undefined {
  const seconds = parseDouble(text);
  if (seconds === undefined || !Number.isFinite(seconds) || seconds * 1000 > Number.MAX_SAFE_INTEGER) {
    client.reply.error(seconds === undefined ? TIMEOUT_NOT_FLOAT : 'ERR timeout is out of range');
    return undefined;
  }
  if (seconds < 0) {
    client.reply.error(TIMEOUT_NEGATIVE);
    return undefined;
  }
  return Math.ceil(seconds * 1000);
}

function takeFrom(list: ListValue, end: End): string {
  return (end === 'LEFT' ? list.popHead() : list.popTail())!;
}

/** Moves an element when there is one: undefined when the source is missing, null when a type is wrong (the error was sent). */
function moveElement(client: Client, from: string, to: string, take: End, give: End): string | undefined | null {
  const { db, node } = client;
  const source = writeAs(client, from, 'list');
  if (source === null || source === undefined) return source;
  const target = writeAs(client, to, 'list');
  if (target === null) return null;
  const element = takeFrom(source, take);
  const list = from === to ? source : (target ?? new ListValue());
  if (give === 'LEFT') list.pushHead(element);
  else list.pushTail(element);
  if (target === undefined) db.put(to, list);
  else db.changed(to, list);
  node.notify('l', give === 'LEFT' ? 'lpush' : 'rpush', to, db.index);
  changed(client, 'l', take === 'LEFT' ? 'lpop' : 'rpop', from);
  if (from !== to) settle(client, from, source);
  return element;
}

/** LMOVE, RPOPLPUSH and their blocking kin; `timeoutMs` is undefined for those that never wait. */
function move(client: Client, from: string, to: string, take: End, give: End, timeoutMs: number | undefined): void {
  const { db, node, reply } = client;
  const attempt = (): boolean => {
    const element = moveElement(client, from, to, take, give);
    if (element === undefined) return false;
    if (element === null) return true;
    node.propagate(db.index, ['LMOVE', from, to, take, give]);
    reply.bulk(element);
    return true;
  };
  if (attempt()) return;
  if (timeoutMs === undefined || !client.mayBlock) reply.null();
  else {
    block(client, [from], timeoutMs, {
      serve: (key) => {
        const value = db.peek(key);
        return value !== undefined && typeOf(value) === 'list' && attempt();
      },
      timedOut: () => reply.nullArray(),
    });
  }
}

function lmove(client: Client, args: readonly string[]): void {
  const take = endOf(client, args[3]!);
  if (take === undefined) return;
  const give = endOf(client, args[4]!);
  if (give === undefined) return;
  const timeout = args.length === 6 ? timeoutArg(client, args[5]!) : undefined;
  if (args.length === 6 && timeout === undefined) return;
  move(client, args[1]!, args[2]!, take, give, timeout);
}

function brpoplpush(client: Client, args: readonly string[]): void {
  const timeout = timeoutArg(client, args[3]!);
  if (timeout !== undefined) move(client, args[1]!, args[2]!, 'RIGHT', 'LEFT', timeout);
}

/** BLPOP and BRPOP. */
function blockingPop(end: End): Run {
  return (client, args) => {
    const { db, node, reply } = client;
    const timeout = timeoutArg(client, args.at(-1)!);
    if (timeout === undefined) return;
    const keys = args.slice(1, -1);
    const attempt = (key: string): boolean => {
      const value = db.write(key);
      if (value === undefined || typeof value === 'string' || value.kind !== 'list') return false;
      reply.array(2);
      reply.bulk(key);
      reply.bulk(takeFrom(value, end));
      changed(client, 'l', end === 'LEFT' ? 'lpop' : 'rpop', key);
      settle(client, key, value);
      node.propagate(db.index, [end === 'LEFT' ? 'LPOP' : 'RPOP', key]);
      return true;
    };
    for (const key of keys) {
      const value = db.peek(key);
      if (value !== undefined && typeOf(value) !== 'list') {
        reply.error(WRONG_TYPE);
        return;
      }
      if (attempt(key)) return;
    }
    if (client.mayBlock) block(client, keys, timeout, { serve: attempt, timedOut: () => reply.nullArray() });
    else reply.nullArray();
  };
}

/** LMPOP (`first` is 1) and BLMPOP (`first` is 2, after the timeout). */
function multiPop(first: 1 | 2): Run {
  return (client, args) => {
    const { db, node, reply } = client;
    const timeout = first === 2 ? timeoutArg(client, args[1]!) : 0;
    if (timeout === undefined) return;
    const numKeys = integerFrom(client, args[first]!, 1, 'ERR numkeys should be greater than 0');
    if (numKeys === undefined) return;
    const afterKeys = first + 1 + numKeys;
    if (afterKeys >= args.length) {
      reply.error(SYNTAX);
      return;
    }
    const keys = args.slice(first + 1, afterKeys);
    const end = endOf(client, args[afterKeys]!);
    if (end === undefined) return;
    let count = 1;
    if (args.length > afterKeys + 1) {
      if (args[afterKeys + 1]!.toUpperCase() !== 'COUNT' || args.length < afterKeys + 3) {
        reply.error(SYNTAX);
        return;
      }
      const wanted = integerFrom(client, args[afterKeys + 2]!, 1, 'ERR count should be greater than 0');
      if (wanted === undefined) return;
      if (args.length > afterKeys + 3) {
        reply.error(SYNTAX);
        return;
      }
      count = wanted;
    }
    const attempt = (key: string): boolean => {
      const list = db.write(key);
      if (list === undefined || typeof list === 'string' || list.kind !== 'list') return false;
      const popped = Math.min(count, list.length);
      reply.array(2);
      reply.bulk(key);
      reply.array(popped);
      for (let i = 0; i < popped; i++) reply.bulk(takeFrom(list, end));
      changed(client, 'l', end === 'LEFT' ? 'lpop' : 'rpop', key, popped);
      settle(client, key, list);
      node.propagate(db.index, [end === 'LEFT' ? 'LPOP' : 'RPOP', key, String(popped)]);
      return true;
    };
    for (const key of keys) {
      const value = db.peek(key);
      if (value !== undefined && typeOf(value) !== 'list') {
        reply.error(WRONG_TYPE);
        return;
      }
      if (attempt(key)) return;
    }
    if (first === 2 && client.mayBlock) {
      block(client, keys, timeout, { serve: attempt, timedOut: () => reply.nullArray() });
    } else reply.nullArray();
  };
}

const BLOCKING = 'write blocking';

export const listMoveCommands: readonly CommandSpec[] = [
  listRow('lmove', 5, 'write denyoom', '6.2.0', 'Moves an element from one list to another.', lmove, [1, 2, 1]),
  listRow(
    'rpoplpush',
    3,
    'write denyoom',
    '1.2.0',
    'Moves the last element of a list to the head of another.',
    (client, args) => move(client, args[1]!, args[2]!, 'RIGHT', 'LEFT', undefined),
    [1, 2, 1],
  ),
  listRow('blmove', 6, 'write denyoom blocking', '6.2.0', 'Moves an element, or waits for one.', lmove, [1, 2, 1]),
  listRow('brpoplpush', 4, 'write denyoom blocking', '2.2.0', 'Moves a last element, or waits.', brpoplpush, [1, 2, 1]),
  listRow('blpop', -3, BLOCKING, '2.0.0', 'Removes the first element, or waits.', blockingPop('LEFT'), [1, -2, 1]),
  listRow('brpop', -3, BLOCKING, '2.0.0', 'Removes the last element, or waits.', blockingPop('RIGHT'), [1, -2, 1]),
  listRow('lmpop', -4, 'write', '7.0.0', 'Removes elements of the first non-empty list.', multiPop(1), countedKeys(1)),
  listRow('blmpop', -5, BLOCKING, '7.0.0', 'Removes elements, or waits for them.', multiPop(2), countedKeys(2)),
];
