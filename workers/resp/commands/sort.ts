import { mayReadAllKeys } from '../acl/check.ts';
import type { Client } from '../clients/server.ts';
import { ListValue } from '../keyspace/list-value.ts';
import { isString, textOf } from '../keyspace/value.ts';
import { SYNTAX, WRONG_TYPE } from '../protocol/errors.ts';
import { parseDouble } from '../protocol/numbers.ts';
import { changed, integerArg, makeRoom } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { asNeeded, byCursor, sortInSteps, windows } from './walk.ts';
import type { Walk } from './walk.ts';
import { commandNamed } from './registry.ts';

interface SortOptions {
  by: string | undefined;
  readonly gets: string[];
  offset: number;
  count: number;
  descending: boolean;
  alpha: boolean;
  store: string | undefined;
}

function sortOptions(client: Client, args: readonly string[], readOnly: boolean): SortOptions | undefined {
  const options: SortOptions = {
    by: undefined,
    gets: [],
    offset: 0,
    count: -1,
    descending: false,
    alpha: false,
    store: undefined,
  };
  for (let i = 2; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    const left = args.length - i - 1;
    if (option === 'ASC') options.descending = false;
    else if (option === 'DESC') options.descending = true;
    else if (option === 'ALPHA') options.alpha = true;
    else if (option === 'LIMIT' && left >= 2) {
      const offset = integerArg(client, args[++i]!);
      if (offset === undefined) return undefined;
      const count = integerArg(client, args[++i]!);
      if (count === undefined) return undefined;
      options.offset = offset;
      options.count = count;
    } else if (option === 'STORE' && left >= 1 && !readOnly) options.store = args[++i]!;
    else if ((option === 'BY' || option === 'GET') && left >= 1) {
      const pattern = args[++i]!;
      if (option === 'GET') options.gets.push(pattern);
      else options.by = pattern;
      if ((option === 'BY' && !upToZero(pattern).includes('*')) || mayFollow(client, args)) continue;
      client.reply.error(`ERR ${option} option of SORT denied due to insufficient ACL permissions.`);
      return undefined;
    } else {
      client.reply.error(SYNTAX);
      return undefined;
    }
  }
  return options;
}

/** Whether the client may read whatever keys the patterns lead to. */
function mayFollow({ restrictedTo: user }: Client, args: readonly string[]): boolean {
  const command = commandNamed(args[0]!);
  return user === undefined || command === undefined || mayReadAllKeys(user, command, args);
}

/** What a pattern of BY or GET leads to for an element: a string key, or a field of a hash (`key->field`). */
function lookUp(client: Client, pattern: string, element: string): string | undefined {
  if (pattern === '#') return element;
  const seen = upToZero(pattern);
  const star = seen.indexOf('*');
  if (star < 0) return undefined;
  const arrow = seen.indexOf('->', star + 1);
  const field = arrow >= 0 && arrow + 2 < seen.length ? pattern.slice(arrow + 2) : undefined;
  const end = field === undefined ? pattern.length : arrow;
  const value = client.db.read(pattern.slice(0, star) + element + pattern.slice(star + 1, end));
  if (value === undefined) return undefined;
  if (field === undefined) return isString(value) ? textOf(value) : undefined;
  return typeof value !== 'string' && value.kind === 'hash' ? value.get(field) : undefined;
}

/** What is to be sorted. */
interface Source {
  readonly kind: string;
  readonly size: number;
  /** Visits the elements in their own order. */
  readonly walk: (visit: (element: string) => void) => Walk;
}

/** What is to be sorted; undefined for another type. */
function elementsOf(client: Client, key: string): Source | undefined {
  const value = client.db.read(key);
  if (value === undefined) return { kind: 'none', size: 0, walk: () => windows(0, () => undefined) };
  if (typeof value === 'string') return undefined;
  switch (value.kind) {
    case 'list':
      return {
        kind: 'list',
        size: value.length,
        walk: (visit) => windows(value.length, (from, to) => value.range(from, to - 1, visit)),
      };
    case 'zset':
      return {
        kind: 'zset',
        size: value.size,
        walk: (visit) => windows(value.size, (from, to) => value.range(from, to - 1, (_, member) => visit(member))),
      };
    case 'set':
      return {
        kind: 'set',
        size: value.size,
        walk: (visit) => byCursor((cursor, count) => value.scan(cursor, count, visit)),
      };
    default:
      return undefined;
  }
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Weighted {
  readonly element: string;
  readonly weight: string | undefined;
  readonly score: number;
}

/** What Redis, to which patterns and weights are C strings, sees of one. */
function upToZero(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

/** A weight as Redis reads it, to which nothing is zero. */
function scoreOf(weight: string): number | undefined {
  const text = upToZero(weight);
  return text === '' ? 0 : parseDouble(text);
}

/** Sorts as SORT does; undefined when a weight is no number. */
function* sorted(
  client: Client,
  elements: readonly string[],
  options: SortOptions,
): Generator<void, string[] | undefined> {
  const { by, alpha, descending, store: destination } = options;
  // What is stored must come out the same everywhere; what is only shown Redis compares by the locale, as C strings.
  const compared = alpha && destination === undefined ? upToZero : (weight: string): string => weight;
  const weighted: Weighted[] = [];
  let fits = true;
  yield* windows(elements.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const element = elements[i]!;
      const weight = by === undefined ? element : lookUp(client, by, element);
      const score = alpha || weight === undefined ? 0 : scoreOf(weight);
      if (score === undefined) fits = false;
      weighted.push({ element, weight: weight === undefined ? undefined : compared(weight), score: score ?? 0 });
    }
  });
  if (!fits) return undefined;
  const sign = descending ? -1 : 1;
  const inOrder = yield* sortInSteps(weighted, (a, b) => {
    if (!alpha) return sign * (a.score === b.score ? compareBytes(a.element, b.element) : a.score - b.score);
    if (a.weight === undefined || b.weight === undefined) {
      return sign * (a.weight === b.weight ? 0 : a.weight === undefined ? -1 : 1);
    }
    return sign * compareBytes(a.weight, b.weight);
  });
  const result: string[] = [];
  yield* windows(inOrder.length, (from, to) => {
    for (let i = from; i < to; i++) result.push(inOrder[i]!.element);
  });
  return result;
}

/** SORT and SORT_RO. */
function sort(readOnly: boolean): Run {
  return (client, args) => {
    const options = sortOptions(client, args, readOnly);
    if (options === undefined) return undefined;
    const source = elementsOf(client, args[1]!);
    if (source === undefined) {
      client.reply.error(WRONG_TYPE);
      return undefined;
    }
    return asNeeded(source.size, answer(client, options, source));
  };
}

function* answer(client: Client, options: SortOptions, source: Source): Walk {
  const { reply } = client;
  let elements: string[] = [];
  yield* source.walk((element) => elements.push(element));
  const unsorted = options.by !== undefined && !upToZero(options.by).includes('*');
  if (!unsorted || (source.kind === 'set' && (options.store !== undefined || client.scripted))) {
    // A set that is stored unsorted is sorted all the same, so that all copies get the same list.
    const how = unsorted ? { ...options, by: undefined, alpha: true } : options;
    const result = yield* sorted(client, elements, how);
    if (result === undefined) {
      reply.error("ERR One or more scores can't be converted into double");
      return;
    }
    elements = result;
  } else if (options.descending && source.kind === 'zset') elements.reverse();
  const start = Math.max(0, options.offset);
  const part = elements.slice(start, options.count < 0 ? undefined : start + options.count);
  const { gets } = options;
  const list = new ListValue();
  const add = (item: string | undefined): void => {
    if (options.store === undefined) reply.bulkOrNull(item);
    else list.pushTail(item ?? '');
  };
  const size = part.length * Math.max(1, gets.length);
  if (options.store === undefined) reply.array(size);
  yield* windows(part.length, (from, to) => {
    for (let i = from; i < to; i++) {
      if (gets.length === 0) add(part[i]);
      else for (const get of gets) add(lookUp(client, get, part[i]!));
    }
  });
  if (options.store !== undefined) store(client, options.store, list, size);
}

function store(client: Client, key: string, list: ListValue, size: number): void {
  if (size === 0) makeRoom(client, key);
  else {
    client.db.replace(key, list);
    changed(client, 'l', 'sortstore', key);
  }
  client.reply.integer(size);
}

/** The key itself, and the one after the last STORE. */
function sortKeys(args: readonly string[]): number[] {
  const at = args.findLastIndex((arg, i) => i > 1 && i + 1 < args.length && arg.toUpperCase() === 'STORE');
  return at < 0 ? [1] : [1, at + 1];
}

export const sortCommands: readonly CommandSpec[] = [
  {
    name: 'sort',
    arity: -2,
    flags: 'write denyoom',
    keys: sortKeys,
    group: 'generic',
    since: '1.0.0',
    summary: 'Sorts the elements in a list, a set, or a sorted set, optionally storing the result.',
    acl: 'set sortedset list dangerous',
    run: sort(false),
  },
  {
    name: 'sort_ro',
    arity: -2,
    flags: 'readonly',
    keys: [1, 1, 1],
    group: 'generic',
    since: '7.0.0',
    summary: 'Returns the sorted elements of a list, a set, or a sorted set.',
    acl: 'set sortedset list dangerous',
    run: sort(true),
  },
];
