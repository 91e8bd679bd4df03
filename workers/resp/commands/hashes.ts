import type { Client } from '../clients/server.ts';
import { HashValue } from '../keyspace/hash-value.ts';
import { NOT_FLOAT, OVERFLOW, SYNTAX, wrongArity } from '../protocol/errors.ts';
import { addLongDoubles, formatLongDouble, parseLongDouble } from '../protocol/long-double.ts';
import { fitsInt64, parseBigInteger } from '../protocol/numbers.ts';
import { changed, integerArg, pickCountArg, readAs, settle, writeAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { rowsOf } from './rows.ts';
import { sample } from './sampling.ts';
import { asNeeded, byCursor, inWindows, overArguments, walkArguments, WINDOW, windows } from './walk.ts';
import type { Walk } from './walk.ts';

/** Sets one field of a hash that may not exist yet, and says whether the field is new. */
function setField(client: Client, key: string, hash: HashValue | undefined, field: string, value: string): boolean {
  const target = hash ?? new HashValue();
  const added = target.set(field, value, client.node.encodingLimits);
  if (hash === undefined) client.db.put(key, target);
  else client.db.changed(key, target);
  return added;
}

/** HSET and HMSET. */
function setFields(name: 'hset' | 'hmset'): Run {
  return (client, args) => {
    if (args.length % 2 !== 0) {
      client.reply.error(wrongArity(name));
      return undefined;
    }
    const old = writeAs(client, args[1]!, 'hash');
    if (old === null) return undefined;
    const hash = old ?? new HashValue();
    const sizeBefore = name === 'hset' ? hash.size : undefined;
    if (args.length > WINDOW) return setMany(client, args, hash, old === undefined, sizeBefore);
    setSome(client, args, hash, 2, args.length);
    wereSet(client, args, hash, old === undefined, sizeBefore);
    return undefined;
  };
}

function setSome({ node }: Client, args: readonly string[], hash: HashValue, from: number, to: number): void {
  for (let i = from; i < to; i += 2) hash.set(args[i]!, args[i + 1]!, node.encodingLimits);
}

/** Accounts for fields that were set; `sizeBefore` is what the hash had, when the number of new ones is to be told. */
function wereSet(
  client: Client,
  args: readonly string[],
  hash: HashValue,
  isNew: boolean,
  sizeBefore: number | undefined,
): void {
  const { db, reply } = client;
  if (isNew) db.put(args[1]!, hash);
  else db.changed(args[1]!, hash);
  changed(client, 'h', 'hset', args[1]!, (args.length - 2) / 2);
  if (sizeBefore === undefined) reply.ok();
  else reply.integer(hash.size - sizeBefore);
}

function setMany(
  client: Client,
  args: readonly string[],
  hash: HashValue,
  isNew: boolean,
  sizeBefore: number | undefined,
): Walk {
  return walkArguments(
    args,
    2,
    (from, to) => setSome(client, args, hash, from, to),
    () => wereSet(client, args, hash, isNew, sizeBefore),
  );
}

function setNewField(client: Client, args: readonly string[]): void {
  const hash = writeAs(client, args[1]!, 'hash');
  if (hash === null) return;
  if (hash?.has(args[2]!) === true) {
    client.reply.integer(0);
    return;
  }
  setField(client, args[1]!, hash, args[2]!, args[3]!);
  changed(client, 'h', 'hset', args[1]!);
  client.reply.integer(1);
}

function get(client: Client, args: readonly string[]): void {
  const hash = readAs(client, args[1]!, 'hash');
  if (hash !== null) client.reply.bulkOrNull(hash?.get(args[2]!));
}

function getMany(client: Client, args: readonly string[]): Walk | undefined {
  const hash = readAs(client, args[1]!, 'hash');
  if (hash === null) return undefined;
  client.reply.array(args.length - 2);
  return inWindows(args.length - 2, (from, to) => {
    for (let i = from; i < to; i++) client.reply.bulkOrNull(hash?.get(args[i + 2]!));
  });
}

function deleteFields(client: Client, args: readonly string[]): Walk | undefined {
  const hash = writeAs(client, args[1]!, 'hash');
  if (hash === null) return undefined;
  let removed = 0;
  const visit = (from: number, to: number): void => {
    for (let i = from; i < to; i++) if (hash?.delete(args[i]!) === true) removed++;
  };
  return overArguments(args, 2, visit, () => {
    if (hash !== undefined && removed > 0) {
      changed(client, 'h', 'hdel', args[1]!, removed);
      settle(client, args[1]!, hash);
    }
    client.reply.integer(removed);
  });
}

function length(client: Client, args: readonly string[]): void {
  const hash = readAs(client, args[1]!, 'hash');
  if (hash !== null) client.reply.integer(hash?.size ?? 0);
}

function fieldLength(client: Client, args: readonly string[]): void {
  const hash = readAs(client, args[1]!, 'hash');
  if (hash !== null) client.reply.integer(hash?.get(args[2]!)?.length ?? 0);
}

function exists(client: Client, args: readonly string[]): void {
  const hash = readAs(client, args[1]!, 'hash');
  if (hash !== null) client.reply.integer(hash?.has(args[2]!) === true ? 1 : 0);
}

/** HKEYS, HVALS and HGETALL. */
function all(fields: boolean, values: boolean): Run {
  return (client, args) => {
    const { reply } = client;
    const hash = readAs(client, args[1]!, 'hash');
    if (hash === null) return undefined;
    if (fields && values) reply.map(hash?.size ?? 0);
    else reply.array(hash?.size ?? 0);
    if (hash === undefined) return undefined;
    const visit = (value: string, field: string): void => {
      if (fields) reply.bulk(field);
      if (values) reply.bulk(value);
    };
    return asNeeded(hash.size, each(hash, visit));
  };
}

/** Visits all fields; a compact hash keeps their order and is never large. */
function* each(hash: HashValue, visit: (value: string, field: string) => void): Walk {
  if (hash.encoding === 'hashtable') yield* byCursor((cursor, count) => hash.scan(cursor, count, visit));
  else hash.forEach(visit);
}

function incrementBy(client: Client, args: readonly string[]): void {
  const { reply } = client;
  if (integerArg(client, args[3]!) === undefined) return;
  const hash = writeAs(client, args[1]!, 'hash');
  if (hash === null) return;
  const old = parseBigInteger(hash?.get(args[2]!) ?? '0');
  if (old === undefined) {
    reply.error('ERR hash value is not an integer');
    return;
  }
  const sum = old + parseBigInteger(args[3]!)!;
  if (!fitsInt64(sum)) {
    reply.error(OVERFLOW);
    return;
  }
  setField(client, args[1]!, hash, args[2]!, String(sum));
  changed(client, 'h', 'hincrby', args[1]!);
  reply.integer(sum);
}

function incrementByFloat(client: Client, args: readonly string[]): void {
  const { db, node, reply } = client;
  const by = parseLongDouble(args[3]!);
  if (by === undefined) {
    reply.error(NOT_FLOAT);
    return;
  }
  if (typeof by === 'string') {
    reply.error('ERR value is NaN or Infinity');
    return;
  }
  const hash = writeAs(client, args[1]!, 'hash');
  if (hash === null) return;
  const old = hash?.get(args[2]!) ?? '0';
  const number = parseLongDouble(old);
  if (number === undefined) {
    reply.error('ERR hash value is not a float');
    return;
  }
  const total = addLongDoubles(number, by);
  if (total === undefined) {
    reply.error('ERR increment would produce NaN or Infinity');
    return;
  }
  const sum = formatLongDouble(total);
  setField(client, args[1]!, hash, args[2]!, sum);
  changed(client, 'h', 'hincrbyfloat', args[1]!);
  node.propagate(db.index, ['HSET', args[1]!, args[2]!, sum]);
  reply.bulk(sum);
}

function randomField(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const withValues = args.length === 4 && args[3]!.toUpperCase() === 'WITHVALUES';
  let count = 1;
  if (args.length > 2) {
    const wanted = pickCountArg(client, args[2]!, withValues);
    if (wanted === undefined) return undefined;
    if (args.length > 4 || (args.length === 4 && !withValues)) {
      reply.error(SYNTAX);
      return undefined;
    }
    count = wanted;
  }
  const hash = readAs(client, args[1]!, 'hash');
  if (hash === null) return undefined;
  if (args.length === 2) {
    reply.bulkOrNull(hash?.randomField());
    return undefined;
  }
  return asNeeded(Math.abs(count), pick(hash ?? new HashValue()));
  function* pick(from: HashValue): Walk {
    const picked = yield* sample(
      from.size,
      count,
      () => from.randomField()!,
      (visit) => each(from, (_, field) => visit(field)),
    );
    reply.array(withValues && !reply.resp3 ? picked.length * 2 : picked.length);
    yield* windows(picked.length, (start, end) => {
      for (const field of picked.slice(start, end)) {
        if (withValues && reply.resp3) reply.array(2);
        reply.bulk(field);
        if (withValues) reply.bulk(from.get(field)!);
      }
    });
  }
}

const row = rowsOf('hash');

const WRITE = 'write denyoom fast';

export const hashCommands: readonly CommandSpec[] = [
  row('hset', -4, WRITE, '2.0.0', 'Creates or modifies the value of a field in a hash.', setFields('hset')),
  row('hmset', -4, WRITE, '2.0.0', 'Sets the values of multiple fields.', setFields('hmset')),
  row('hsetnx', 4, WRITE, '2.0.0', 'Sets the value of a field only when it does not exist.', setNewField),
  row('hget', 3, 'readonly fast', '2.0.0', 'Returns the value of a field in a hash.', get),
  row('hmget', -3, 'readonly fast', '2.0.0', 'Returns the values of fields in a hash.', getMany),
  row('hdel', -3, 'write fast', '2.0.0', 'Deletes fields from a hash.', deleteFields),
  row('hlen', 2, 'readonly fast', '2.0.0', 'Returns the number of fields in a hash.', length),
  row('hstrlen', 3, 'readonly fast', '3.2.0', 'Returns the length of the value of a field.', fieldLength),
  row('hkeys', 2, 'readonly', '2.0.0', 'Returns all fields in a hash.', all(true, false)),
  row('hvals', 2, 'readonly', '2.0.0', 'Returns all values in a hash.', all(false, true)),
  row('hgetall', 2, 'readonly', '2.0.0', 'Returns all fields and values in a hash.', all(true, true)),
  row('hexists', 3, 'readonly fast', '2.0.0', 'Determines whether a field exists in a hash.', exists),
  row('hincrby', 4, WRITE, '2.0.0', 'Increments the integer value of a field.', incrementBy),
  row('hincrbyfloat', 4, WRITE, '2.6.0', 'Increments the floating point value of a field.', incrementByFloat),
  row('hrandfield', -2, 'readonly', '6.2.0', 'Returns one or more random fields from a hash.', randomField),
];
