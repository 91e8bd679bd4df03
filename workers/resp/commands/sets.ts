import type { Client } from '../clients/server.ts';
import { SetValue } from '../keyspace/set-value.ts';
import { NOT_POSITIVE, SYNTAX } from '../protocol/errors.ts';
import { changed, integerFrom, makeRoom, ofType, pickCountArg, readAs, settle, writeAs } from './arguments.ts';
import { countedKeys } from './command.ts';
import type { CommandSpec, KeySpec, Run } from './command.ts';
import { rowsOf } from './rows.ts';
import { sample } from './sampling.ts';
import { asNeeded, bulksInSteps, byCursor, inWindows, overArguments, walkArguments, WINDOW, windows } from './walk.ts';
import type { Walk } from './walk.ts';

function add(client: Client, args: readonly string[]): Walk | undefined {
  const old = writeAs(client, args[1]!, 'set');
  if (old === null) return undefined;
  const set = old ?? new SetValue();
  const sizeBefore = set.size;
  if (args.length > WINDOW) return addMany(client, args, set, sizeBefore);
  addSome(client, args, set, 2, args.length);
  wereAdded(client, args, set, sizeBefore);
  return undefined;
}

function addSome({ node }: Client, args: readonly string[], set: SetValue, from: number, to: number): void {
  for (let i = from; i < to; i++) set.add(args[i]!, node.encodingLimits);
}

function wereAdded(client: Client, args: readonly string[], set: SetValue, sizeBefore: number): void {
  const { db, reply } = client;
  const key = args[1]!;
  const added = set.size - sizeBefore;
  // A set that is there has members.
  if (sizeBefore === 0) db.put(key, set);
  else if (added > 0) db.changed(key, set);
  if (added > 0) changed(client, 's', 'sadd', key, added);
  reply.integer(added);
}

function addMany(client: Client, args: readonly string[], set: SetValue, sizeBefore: number): Walk {
  return walkArguments(
    args,
    2,
    (from, to) => addSome(client, args, set, from, to),
    () => wereAdded(client, args, set, sizeBefore),
  );
}

function remove(client: Client, args: readonly string[]): Walk | undefined {
  const set = writeAs(client, args[1]!, 'set');
  if (set === null) return undefined;
  let removed = 0;
  const visit = (from: number, to: number): void => {
    for (let i = from; i < to; i++) if (set?.delete(args[i]!) === true) removed++;
  };
  return overArguments(args, 2, visit, () => {
    if (set !== undefined && removed > 0) {
      changed(client, 's', 'srem', args[1]!, removed);
      settle(client, args[1]!, set);
    }
    client.reply.integer(removed);
  });
}

function isMember(client: Client, args: readonly string[]): void {
  const set = readAs(client, args[1]!, 'set');
  if (set !== null) client.reply.integer(set?.has(args[2]!) === true ? 1 : 0);
}

function areMembers(client: Client, args: readonly string[]): Walk | undefined {
  const set = readAs(client, args[1]!, 'set');
  if (set === null) return undefined;
  client.reply.array(args.length - 2);
  return inWindows(args.length - 2, (from, to) => {
    for (let i = from; i < to; i++) client.reply.integer(set?.has(args[i + 2]!) === true ? 1 : 0);
  });
}

function cardinality(client: Client, args: readonly string[]): void {
  const set = readAs(client, args[1]!, 'set');
  if (set !== null) client.reply.integer(set?.size ?? 0);
}

function members(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const set = readAs(client, args[1]!, 'set');
  if (set === null) return undefined;
  reply.set(set?.size ?? 0);
  return set === undefined
    ? undefined
    : asNeeded(
        set.size,
        each(set, (member) => reply.bulk(member)),
      );
}

/** Visits all members. */
function each(set: SetValue, visit: (member: string) => void): Walk {
  return byCursor((cursor, count) => set.scan(cursor, count, visit));
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

function pop(client: Client, args: readonly string[]): Walk | undefined {
  const { db, node, reply } = client;
  const key = args[1]!;
  if (args.length > 3) {
    reply.error(SYNTAX);
    return undefined;
  }
  const count = args.length === 3 ? integerFrom(client, args[2]!, 0, NOT_POSITIVE) : undefined;
  if (args.length === 3 && count === undefined) return undefined;
  const set = writeAs(client, key, 'set');
  if (set === null) return undefined;
  if (set === undefined) {
    if (count === undefined) reply.null();
    else reply.set(0);
    return undefined;
  }
  if (count === undefined) {
    const popped = set.randomMember()!;
    set.delete(popped);
    reply.bulk(popped);
    end(set, [popped]);
    return undefined;
  }
  return asNeeded(count, popSome(set));
  function* popSome(from: SetValue): Walk {
    const popped = yield* sample(
      from.size,
      count!,
      () => from.randomMember()!,
      (visit) => each(from, visit),
    );
    reply.set(popped.length);
    yield* windows(popped.length, (start, end) => {
      for (let i = start; i < end; i++) {
        from.delete(popped[i]!);
        reply.bulk(popped[i]!);
      }
    });
    if (popped.length > 0) end(from, popped);
  }
  function end(from: SetValue, popped: readonly string[]): void {
    changed(client, 's', 'spop', key, popped.length);
    settle(client, key, from);
    node.propagate(db.index, from.size === 0 ? ['DEL', key] : ['SREM', key].concat(popped));
  }
}

function randomMember(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  if (args.length > 3) {
    reply.error(SYNTAX);
    return undefined;
  }
  const count = args.length === 3 ? pickCountArg(client, args[2]!, false) : undefined;
  if (args.length === 3 && count === undefined) return undefined;
  const set = readAs(client, args[1]!, 'set');
  if (set === null) return undefined;
  if (count === undefined) {
    reply.bulkOrNull(set?.randomMember());
    return undefined;
  }
  return asNeeded(Math.abs(count), pick(set ?? new SetValue()));
  function* pick(from: SetValue): Walk {
    const picked = yield* sample(
      from.size,
      count!,
      () => from.randomMember()!,
      (visit) => each(from, visit),
    );
    reply.array(picked.length);
    yield* bulksInSteps(reply, picked);
  }
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

/** Puts the intersection, union or difference into `result`; an intersection stops at `limit` members. */
function* combine(
  how: Combination,
  sets: readonly (SetValue | undefined)[],
  result: { readonly size: number; add(member: string): void },
  limit = Infinity,
): Walk {
  const present = sets.filter((set) => set !== undefined);
  if (how === 'union') {
    for (const set of present) yield* each(set, (member) => result.add(member));
    return;
  }
  if (how === 'inter' && present.length < sets.length) return;
  const [first, ...others] = how === 'diff' ? sets : present.toSorted((a, b) => a.size - b.size);
  if (first === undefined) return;
  yield* each(first, (member) => {
    if (result.size >= limit) return;
    const found =
      how === 'diff' ? others.every((set) => set?.has(member) !== true) : others.every((set) => set!.has(member));
    if (found) result.add(member);
  });
}

function sizeOf(sets: readonly (SetValue | undefined)[]): number {
  return sets.reduce((sum, set) => sum + (set?.size ?? 0), 0);
}

/** A set to be filled, with the node's encodings. */
function filling(client: Client): { set: SetValue; size: number; add(member: string): void } {
  const set = new SetValue();
  const { encodingLimits } = client.node;
  return {
    set,
    get size() {
      return set.size;
    },
    add: (member) => void set.add(member, encodingLimits),
  };
}

/** SINTER, SUNION and SDIFF. */
function combined(how: Combination): Run {
  return (client, args) => {
    const sets = setsOf(client, args.slice(1));
    if (sets === undefined) return undefined;
    return asNeeded(sizeOf(sets), reply());
    function* reply(): Walk {
      const found = filling(client);
      yield* combine(how, sets!, found);
      client.reply.set(found.size);
      yield* each(found.set, (member) => client.reply.bulk(member));
    }
  };
}

/** SINTERSTORE, SUNIONSTORE and SDIFFSTORE. */
function combinedStore(how: Combination): Run {
  return (client, args) => {
    const { db, reply } = client;
    const key = args[1]!;
    const sets = setsOf(client, args.slice(2));
    if (sets === undefined) return undefined;
    return asNeeded(sizeOf(sets), store());
    function* store(): Walk {
      const found = filling(client);
      yield* combine(how, sets!, found);
      if (found.size === 0) {
        makeRoom(client, key);
        reply.integer(0);
        return;
      }
      db.replace(key, found.set);
      changed(client, 's', `s${how}store`, key);
      reply.integer(found.size);
    }
  };
}

function interCard(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const numKeys = integerFrom(client, args[1]!, 1, 'ERR numkeys should be greater than 0');
  if (numKeys === undefined) return undefined;
  if (numKeys > args.length - 2) {
    reply.error("ERR Number of keys can't be greater than number of args");
    return undefined;
  }
  let limit = 0;
  for (let i = 2 + numKeys; i < args.length; i += 2) {
    if (args[i]!.toUpperCase() !== 'LIMIT' || i + 1 >= args.length) {
      reply.error(SYNTAX);
      return undefined;
    }
    const wanted = integerFrom(client, args[i + 1]!, 0, "ERR LIMIT can't be negative");
    if (wanted === undefined) return undefined;
    limit = wanted;
  }
  const sets = setsOf(client, args.slice(2, 2 + numKeys));
  if (sets === undefined) return undefined;
  return asNeeded(sizeOf(sets), count());
  function* count(): Walk {
    const found = {
      size: 0,
      add() {
        found.size++;
      },
    };
    yield* combine('inter', sets!, found, limit === 0 ? Infinity : limit);
    reply.integer(found.size);
  }
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
