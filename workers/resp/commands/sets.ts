import type { Client } from '../clients/server.ts';
import { SetValue } from '../keyspace/set-value.ts';
import { NOT_POSITIVE, SYNTAX } from '../protocol/errors.ts';
import { changed, integerFrom, ofType, pickCountArg, readAs, settle, writeAs } from './arguments.ts';
import { countedKeys } from './command.ts';
import type { CommandSpec, KeySpec, Run } from './command.ts';
import { rowsOf } from './rows.ts';
import { sample } from './sampling.ts';

function add(client: Client, args: readonly string[]): void {
  const { db, node, reply } = client;
  const key = args[1]!;
  const old = writeAs(client, key, 'set');
  if (old === null) return;
  const set = old ?? new SetValue();
  let added = 0;
  for (let i = 2; i < args.length; i++) if (set.add(args[i]!, node.encodingLimits)) added++;
  if (old === undefined) db.put(key, set);
  else if (added > 0) db.changed(key, set);
  if (added > 0) changed(client, 's', 'sadd', key, added);
  reply.integer(added);
}

function remove(client: Client, args: readonly string[]): void {
  const set = writeAs(client, args[1]!, 'set');
  if (set === null) return;
  let removed = 0;
  for (let i = 2; i < args.length; i++) if (set?.delete(args[i]!) === true) removed++;
  if (set !== undefined && removed > 0) {
    changed(client, 's', 'srem', args[1]!, removed);
    settle(client, args[1]!, set);
  }
  client.reply.integer(removed);
}

function isMember(client: Client, args: readonly string[]): void {
  const set = readAs(client, args[1]!, 'set');
  if (set !== null) client.reply.integer(set?.has(args[2]!) === true ? 1 : 0);
}

function areMembers(client: Client, args: readonly string[]): void {
  const set = readAs(client, args[1]!, 'set');
  if (set === null) return;
  client.reply.array(args.length - 2);
  for (const member of args.slice(2)) client.reply.integer(set?.has(member) === true ? 1 : 0);
}

function cardinality(client: Client, args: readonly string[]): void {
  const set = readAs(client, args[1]!, 'set');
  if (set !== null) client.reply.integer(set?.size ?? 0);
}

function members(client: Client, args: readonly string[]): void {
  const { reply } = client;
  const set = readAs(client, args[1]!, 'set');
  if (set === null) return;
  reply.set(set?.size ?? 0);
  set?.forEach((member) => reply.bulk(member));
}

function move(client: Client, args: readonly string[]): void {
  const { db, node, reply } = client;
  const [, from, to, member] = args as readonly [string, string, string, string];
  const source = writeAs(client, from, 'set');
  if (source === null) return;
  if (source === undefined) {
    reply.integer(0);
    return;
  }
  const target = writeAs(client, to, 'set');
  if (target === null) return;
  if (from === to || !source.has(member)) {
    reply.integer(source.has(member) ? 1 : 0);
    return;
  }
  source.delete(member);
  changed(client, 's', 'srem', from);
  settle(client, from, source);
  const set = target ?? new SetValue();
  const added = set.add(member, node.encodingLimits);
  if (target === undefined) db.put(to, set);
  else if (added) db.changed(to, set);
  if (added) changed(client, 's', 'sadd', to);
  reply.integer(1);
}

function pop(client: Client, args: readonly string[]): void {
  const { db, node, reply } = client;
  const key = args[1]!;
  if (args.length > 3) {
    reply.error(SYNTAX);
    return;
  }
  const count = args.length === 3 ? integerFrom(client, args[2]!, 0, NOT_POSITIVE) : undefined;
  if (args.length === 3 && count === undefined) return;
  const set = writeAs(client, key, 'set');
  if (set === null) return;
  if (set === undefined) {
    if (count === undefined) reply.null();
    else reply.set(0);
    return;
  }
  const popped = sample(
    set.size,
    count ?? 1,
    () => set.randomMember()!,
    () => set.members(),
  );
  for (const member of popped) set.delete(member);
  if (count === undefined) reply.bulk(popped[0]!);
  else {
    reply.set(popped.length);
    for (const member of popped) reply.bulk(member);
  }
  if (popped.length === 0) return;
  changed(client, 's', 'spop', key, popped.length);
  settle(client, key, set);
  node.propagate(db.index, set.size === 0 ? ['DEL', key] : ['SREM', key, ...popped]);
}

function randomMember(client: Client, args: readonly string[]): void {
  const { reply } = client;
  if (args.length > 3) {
    reply.error(SYNTAX);
    return;
  }
  const count = args.length === 3 ? pickCountArg(client, args[2]!, false) : undefined;
  if (args.length === 3 && count === undefined) return;
  const set = readAs(client, args[1]!, 'set');
  if (set === null) return;
  if (count === undefined) reply.bulkOrNull(set?.randomMember());
  else
    reply.bulks(
      sample(
        set?.size ?? 0,
        count,
        () => set!.randomMember()!,
        () => set!.members(),
      ),
    );
}

type Combination = 'inter' | 'union' | 'diff';

/** The sets of some keys; undefined when one is of another type (the error was sent). */
function setsOf(client: Client, keys: readonly string[]): (SetValue | undefined)[] | undefined {
  const sets: (SetValue | undefined)[] = [];
  for (const key of keys) {
    const set = ofType(client, client.db.read(key), 'set');
    if (set === null) return undefined;
    sets.push(set);
  }
  return sets;
}

/** Intersection, union or difference; an intersection stops at `limit` members. */
function combine(how: Combination, sets: readonly (SetValue | undefined)[], limit = Infinity): string[] {
  const present = sets.filter((set) => set !== undefined);
  if (how === 'union') {
    const all = new Set<string>();
    for (const set of present) set.forEach((member) => all.add(member));
    return [...all];
  }
  if (how === 'diff') {
    const [first, ...others] = sets;
    return first?.members().filter((member) => !others.some((set) => set?.has(member) === true)) ?? [];
  }
  if (present.length < sets.length) return [];
  const [smallest, ...others] = present.toSorted((a, b) => a.size - b.size);
  const found: string[] = [];
  for (const member of smallest!.members()) {
    if (found.length >= limit) break;
    if (others.every((set) => set.has(member))) found.push(member);
  }
  return found;
}

/** SINTER, SUNION and SDIFF. */
function combined(how: Combination): Run {
  return (client, args) => {
    const sets = setsOf(client, args.slice(1));
    if (sets === undefined) return;
    const found = combine(how, sets);
    client.reply.set(found.length);
    for (const member of found) client.reply.bulk(member);
  };
}

/** SINTERSTORE, SUNIONSTORE and SDIFFSTORE. */
function combinedStore(how: Combination): Run {
  return (client, args) => {
    const { db, node, reply } = client;
    const key = args[1]!;
    const sets = setsOf(client, args.slice(2));
    if (sets === undefined) return;
    const found = combine(how, sets);
    if (found.length === 0) {
      if (db.peek(key) !== undefined && db.remove(key)) changed(client, 'g', 'del', key);
      reply.integer(0);
      return;
    }
    const set = new SetValue();
    for (const member of found) set.add(member, node.encodingLimits);
    db.replace(key, set);
    changed(client, 's', `s${how}store`, key);
    reply.integer(set.size);
  };
}

function interCard(client: Client, args: readonly string[]): void {
  const { reply } = client;
  const numKeys = integerFrom(client, args[1]!, 1, 'ERR numkeys should be greater than 0');
  if (numKeys === undefined) return;
  if (numKeys > args.length - 2) {
    reply.error("ERR Number of keys can't be greater than number of args");
    return;
  }
  let limit = 0;
  for (let i = 2 + numKeys; i < args.length; i += 2) {
    if (args[i]!.toUpperCase() !== 'LIMIT' || i + 1 >= args.length) {
      reply.error(SYNTAX);
      return;
    }
    const wanted = integerFrom(client, args[i + 1]!, 0, "ERR LIMIT can't be negative");
    if (wanted === undefined) return;
    limit = wanted;
  }
  const sets = setsOf(client, args.slice(2, 2 + numKeys));
  if (sets !== undefined) reply.integer(combine('inter', sets, limit === 0 ? Infinity : limit).length);
}

const row = rowsOf('set');

const ALL: KeySpec = [1, -1, 1];
const STORE = 'write denyoom';

export const setCommands: readonly CommandSpec[] = [
  row('sadd', -3, 'write denyoom fast', '1.0.0', 'Adds one or more members to a set.', add),
  row('srem', -3, 'write fast', '1.0.0', 'Removes one or more members from a set.', remove),
  row('sismember', 3, 'readonly fast', '1.0.0', 'Determines whether a member belongs to a set.', isMember),
  row('smismember', -3, 'readonly fast', '6.2.0', 'Determines whether members belong to a set.', areMembers),
  row('scard', 2, 'readonly fast', '1.0.0', 'Returns the number of members in a set.', cardinality),
  row('smembers', 2, 'readonly', '1.0.0', 'Returns all members of a set.', members),
  row('smove', 4, 'write fast', '1.0.0', 'Moves a member from one set to another.', move, [1, 2, 1]),
  row('spop', -2, 'write fast', '1.0.0', 'Returns random members of a set after removing them.', pop),
  row('srandmember', -2, 'readonly', '1.0.0', 'Returns random members from a set.', randomMember),
  row('sinter', -2, 'readonly', '1.0.0', 'Returns the intersect of sets.', combined('inter'), ALL),
  row('sunion', -2, 'readonly', '1.0.0', 'Returns the union of sets.', combined('union'), ALL),
  row('sdiff', -2, 'readonly', '1.0.0', 'Returns the difference of sets.', combined('diff'), ALL),
  row('sinterstore', -3, STORE, '1.0.0', 'Stores the intersect of sets in a key.', combinedStore('inter'), ALL),
  row('sunionstore', -3, STORE, '1.0.0', 'Stores the union of sets in a key.', combinedStore('union'), ALL),
  row('sdiffstore', -3, STORE, '1.0.0', 'Stores the difference of sets in a key.', combinedStore('diff'), ALL),
  row('sintercard', -3, 'readonly', '7.0.0', 'Returns the size of an intersect of sets.', interCard, countedKeys(1)),
];
