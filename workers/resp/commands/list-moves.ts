import { block } from '../clients/blocking.ts';
import type { Client } from '../clients/server.ts';
import { ListValue } from '../keyspace/list-value.ts';
import { typeOf } from '../keyspace/value.ts';
import { changed, settle, writeAs } from './arguments.ts';
import { countedKeys } from './command.ts';
import type { CommandSpec, Run } from './command.ts';
import { endArg, multiPop, popFirst } from './pop-several.ts';
import { secondsArg } from './timeouts.ts';
import { listRow } from './rows.ts';

const ENDS = ['LEFT', 'RIGHT'] as const;
type End = (typeof ENDS)[number];

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
  const take = endArg(client, args[3], ENDS);
  if (take === undefined) return;
  const give = endArg(client, args[4], ENDS);
  if (give === undefined) return;
  const timeout = args.length === 6 ? secondsArg(client, args[5]!) : undefined;
  if (args.length === 6 && timeout === undefined) return;
  move(client, args[1]!, args[2]!, take, give, timeout);
}

function brpoplpush(client: Client, args: readonly string[]): void {
  const timeout = secondsArg(client, args[3]!);
  if (timeout !== undefined) move(client, args[1]!, args[2]!, 'RIGHT', 'LEFT', timeout);
}

/** BLPOP and BRPOP. */
function blockingPop(end: End): Run {
  return (client, args) => {
    const { db, node, reply } = client;
    const timeout = secondsArg(client, args.at(-1)!);
    if (timeout === undefined) return undefined;
    return popFirst(client, 'list', args.slice(1, -1), timeout, (key, list) => {
      reply.array(2);
      reply.bulk(key);
      reply.bulk(takeFrom(list, end));
      changed(client, 'l', end === 'LEFT' ? 'lpop' : 'rpop', key);
      settle(client, key, list);
      node.propagate(db.index, [end === 'LEFT' ? 'LPOP' : 'RPOP', key]);
      return undefined;
    });
  };
}

const multiPopOfLists = (first: 1 | 2): Run =>
  multiPop(first, {
    kind: 'list',
    letter: 'l',
    ends: ENDS,
    effects: { LEFT: 'LPOP', RIGHT: 'RPOP' },
    take: ({ reply }, list, end, count) => {
      for (let i = 0; i < count; i++) reply.bulk(takeFrom(list, end));
    },
  });

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
  listRow(
    'lmpop',
    -4,
    'write',
    '7.0.0',
    'Removes elements of the first non-empty list.',
    multiPopOfLists(1),
    countedKeys(1),
  ),
  listRow('blmpop', -5, BLOCKING, '7.0.0', 'Removes elements, or waits for them.', multiPopOfLists(2), countedKeys(2)),
];
