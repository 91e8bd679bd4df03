import { mayReadAllKeys } from '../acl/check.ts';
import type { Client } from '../clients/server.ts';
import { ListValue } from '../keyspace/list-value.ts';
import { isString, textOf } from '../keyspace/value.ts';
import { SYNTAX, WRONG_TYPE } from '../protocol/errors.ts';
import { parseDouble } from '../protocol/numbers.ts';
import { changed, integerArg } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
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
      if ((option === 'BY' && !pattern.includes('*')) || mayFollow(client, args)) continue;
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
  const star = pattern.indexOf('*');
  if (star < 0) return undefined;
  const arrow = pattern.indexOf('->', star + 1);
  const field = arrow >= 0 && arrow + 2 < pattern.length ? pattern.slice(arrow + 2) : undefined;
  const end = field === undefined ? pattern.length : arrow;
  const value = client.db.read(pattern.slice(0, star) + element + pattern.slice(star + 1, end));
  if (value === undefined) return undefined;
  if (field === undefined) return isString(value) ? textOf(value) : undefined;
  return typeof value !== 'string' && value.kind === 'hash' ? value.get(field) : undefined;
}

const SORTABLE = new Set<string>(['list', 'set', 'zset']);

/** The elements of what is to be sorted, in their own order; undefined for another type. */
function elementsOf(client: Client, key: string): { elements: string[]; kind: string } | undefined {
  const value = client.db.read(key);
  const elements: string[] = [];
  if (value === undefined) return { elements, kind: 'none' };
  if (typeof value === 'string' || !SORTABLE.has(value.kind)) return undefined;
  if (value.kind === 'zset') value.forEach((_, member) => elements.push(member));
  else if (value.kind === 'list' || value.kind === 'set') value.forEach((element) => elements.push(element));
  return { elements, kind: value.kind };
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sorts as SORT does; undefined when a weight is no number. */
function sorted(client: Client, elements: readonly string[], options: SortOptions): string[] | undefined {
  const { by, alpha, descending } = options;
  const weighted = elements.map((element) => ({
    element,
    weight: by === undefined ? element : lookUp(client, by, element),
    score: 0,
  }));
  if (!alpha) {
    for (const item of weighted) {
      // Redis takes what is empty for zero, too.
      const score = item.weight === undefined || item.weight === '' ? 0 : parseDouble(item.weight);
      if (score === undefined) return undefined;
      item.score = score;
    }
  }
  const sign = descending ? -1 : 1;
  weighted.sort((a, b) => {
    if (!alpha) return sign * (a.score === b.score ? compareBytes(a.element, b.element) : a.score - b.score);
    if (a.weight === undefined || b.weight === undefined) {
      return sign * (a.weight === b.weight ? 0 : a.weight === undefined ? -1 : 1);
    }
    return sign * compareBytes(a.weight, b.weight);
  });
  return weighted.map(({ element }) => element);
}

/** SORT and SORT_RO. */
function sort(readOnly: boolean): Run {
  return (client, args) => {
    const { reply } = client;
    const options = sortOptions(client, args, readOnly);
    if (options === undefined) return;
    const source = elementsOf(client, args[1]!);
    if (source === undefined) {
      reply.error(WRONG_TYPE);
      return;
    }
    let { elements } = source;
    const unsorted = options.by !== undefined && !options.by.includes('*');
    if (!unsorted || (source.kind === 'set' && (options.store !== undefined || client.scripted))) {
      // A set that is stored unsorted is sorted all the same, so that all copies get the same list.
      const how = unsorted ? { ...options, by: undefined, alpha: true } : options;
      const result = sorted(client, elements, how);
      if (result === undefined) {
        reply.error("ERR One or more scores can't be converted into double");
        return;
      }
      elements = result;
    } else if (options.descending && source.kind === 'zset') elements.reverse();
    const start = Math.max(0, options.offset);
    const part = elements.slice(start, options.count < 0 ? undefined : start + options.count);
    const rows =
      options.gets.length === 0
        ? part
        : part.flatMap((element) => options.gets.map((get) => lookUp(client, get, element)));
    if (options.store === undefined) {
      reply.array(rows.length);
      for (const item of rows) reply.bulkOrNull(item);
    } else store(client, options.store, rows);
  };
}

function store(client: Client, key: string, rows: readonly (string | undefined)[]): void {
  if (rows.length === 0) {
    if (client.db.peek(key) !== undefined && client.db.remove(key)) changed(client, 'g', 'del', key);
  } else {
    const list = new ListValue();
    for (const item of rows) list.pushTail(item ?? '');
    client.db.replace(key, list);
    changed(client, 'l', 'sortstore', key);
  }
  client.reply.integer(rows.length);
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
