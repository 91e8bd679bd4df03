import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { isString } from '../keyspace/value.ts';
import type { StringValue, Value } from '../keyspace/value.ts';
import { SYNTAX, WRONG_TYPE, wrongArity } from '../protocol/errors.ts';
import type { Reply } from '../protocol/reply.ts';
import { changed, readAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { expiryFrom } from './expiry-times.ts';
import { carryOver, valueAt } from '../protocol/large-arguments.ts';
import { replyAll, replyPart } from './long-text.ts';
import { ONE, stringRow } from './string-row.ts';
import { asNeeded, overArguments, walkArguments, WINDOW, windows } from './walk.ts';
import type { Walk } from './walk.ts';

interface SetOptions {
  nx: boolean;
  xx: boolean;
  get: boolean;
  keepTtl: boolean;
  expiry: { readonly unit: string; readonly value: string } | undefined;
}

/** Reads what follows SET's value; undefined for a syntax error. */
function setOptions(args: readonly string[]): SetOptions | undefined {
  const options: SetOptions = { nx: false, xx: false, get: false, keepTtl: false, expiry: undefined };
  for (let i = 3; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    if (option === 'NX' && !options.xx) options.nx = true;
    else if (option === 'XX' && !options.nx) options.xx = true;
    else if (option === 'GET') options.get = true;
    else if (option === 'KEEPTTL' && options.expiry === undefined) options.keepTtl = true;
    else if (
      (option === 'EX' || option === 'PX' || option === 'EXAT' || option === 'PXAT') &&
      (options.expiry === undefined || options.expiry.unit === option) &&
      !options.keepTtl &&
      i + 1 < args.length
    ) {
      options.expiry = { unit: option, value: args[++i]! };
    } else return undefined;
  }
  return options;
}

function set(client: Client, args: readonly string[]): void {
  const { reply, db, node } = client;
  const key = args[1]!;
  if (args.length === 3) {
    db.replace(key, valueAt(args, 2));
    changed(client, '$', 'set', key);
    reply.ok();
    return;
  }
  const options = setOptions(args);
  if (options === undefined) {
    reply.error(SYNTAX);
    return;
  }
  let expireAt: number | undefined;
  if (options.expiry !== undefined) {
    expireAt = expiryFrom(client, options.expiry.unit, options.expiry.value, 'set');
    if (expireAt === undefined) return;
  }
  const old = options.get ? db.read(key) : db.peek(key);
  if (options.get && old !== undefined && !isString(old)) {
    reply.error(WRONG_TYPE);
    return;
  }
  if ((options.nx && old !== undefined) || (options.xx && old === undefined)) {
    if (options.get) replyOrNull(reply, old);
    else reply.null();
    return;
  }
  if (options.keepTtl) db.put(key, valueAt(args, 2));
  else db.replace(key, valueAt(args, 2));
  changed(client, '$', 'set', key);
  if (expireAt !== undefined) {
    db.expireAt(key, expireAt);
    if (expireAt <= clock.now && !node.replaying) db.remove(key);
    node.notify('g', 'expire', key, db.index);
    propagateSet(client, args, 2, 'PXAT', String(expireAt));
  } else if (options.nx || options.xx || options.get) {
    if (options.keepTtl) propagateSet(client, args, 2, 'KEEPTTL');
    else propagateSet(client, args, 2);
  }
  if (options.get) replyOrNull(reply, old);
  else reply.ok();
}

/** Propagates a SET of the value that a request has at a place. */
function propagateSet({ db, node }: Client, args: readonly string[], place: number, ...options: string[]): void {
  const effect = ['SET', args[1]!, args[place]!, ...options];
  node.propagate(db.index, carryOver(args, place, effect, 2));
}

function replyOrNull(reply: Reply, value: Value | undefined): void {
  if (value === undefined) reply.null();
  else replyAll(reply, value as StringValue);
}

function setNx(client: Client, args: readonly string[]): void {
  if (client.db.peek(args[1]!) !== undefined) {
    client.reply.integer(0);
    return;
  }
  client.db.replace(args[1]!, valueAt(args, 2));
  changed(client, '$', 'set', args[1]!);
  client.reply.integer(1);
}

/** SETEX and PSETEX. */
function setWithExpiry(unit: 'EX' | 'PX', name: string): Run {
  return (client, args) => {
    const { db, node } = client;
    const expireAt = expiryFrom(client, unit, args[2]!, name);
    if (expireAt === undefined) return;
    db.replace(args[1]!, valueAt(args, 3));
    db.expireAt(args[1]!, expireAt);
    changed(client, '$', 'set', args[1]!);
    node.notify('g', 'expire', args[1]!, db.index);
    propagateSet(client, args, 3, 'PXAT', String(expireAt));
    client.reply.ok();
  };
}

function get(client: Client, args: readonly string[]): Walk | undefined {
  const value = client.db.read(args[1]!);
  if (typeof value === 'string') client.reply.bulk(value);
  else if (value === undefined) client.reply.null();
  else if (isString(value)) return replyPart(client.reply, value, 0, value.length);
  else client.reply.error(WRONG_TYPE);
  return undefined;
}

function getSet(client: Client, args: readonly string[]): void {
  const old = readAs(client, args[1]!, 'string');
  if (old === null) return;
  client.db.replace(args[1]!, valueAt(args, 2));
  changed(client, '$', 'set', args[1]!);
  propagateSet(client, args, 2);
  replyOrNull(client.reply, old);
}

function getDel(client: Client, args: readonly string[]): void {
  const old = readAs(client, args[1]!, 'string');
  if (old === null) return;
  replyOrNull(client.reply, old);
  if (old === undefined) return;
  client.db.remove(args[1]!);
  changed(client, 'g', 'del', args[1]!);
  client.node.propagate(client.db.index, ['DEL', args[1]!]);
}

/** Reads what follows GETEX's key; undefined for a syntax error. As with SET, the last of several times counts. */
function getExOptions(args: readonly string[]): (Pick<SetOptions, 'expiry'> & { persist: boolean }) | undefined {
  let expiry: SetOptions['expiry'];
  let persist = false;
  for (let i = 2; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    if (option === 'PERSIST' && expiry === undefined) persist = true;
    else if (/^[EP]X(?:AT)?$/.test(option) && !persist && (expiry?.unit ?? option) === option && i + 1 < args.length) {
      expiry = { unit: option, value: args[++i]! };
    } else return undefined;
  }
  return { persist, expiry };
}

function getEx(client: Client, args: readonly string[]): void {
  const { db, node, reply } = client;
  const key = args[1]!;
  const options = getExOptions(args);
  if (options === undefined) {
    reply.error(SYNTAX);
    return;
  }
  const { persist, expiry } = options;
  const value = readAs(client, key, 'string');
  if (value === null) return;
  if (value === undefined) {
    reply.null();
    return;
  }
  const expireAt = expiry === undefined ? undefined : expiryFrom(client, expiry.unit, expiry.value, 'getex');
  if (expiry !== undefined && expireAt === undefined) return;
  replyAll(reply, value);
  if (expireAt !== undefined && expireAt <= clock.now) {
    db.remove(key);
    changed(client, 'g', 'del', key);
    node.propagate(db.index, ['DEL', key]);
  } else if (expireAt !== undefined) {
    db.expireAt(key, expireAt);
    changed(client, 'g', 'expire', key);
    node.propagate(db.index, ['PEXPIREAT', key, String(expireAt)]);
  } else if (persist && db.persist(key)) {
    changed(client, 'g', 'persist', key);
    node.propagate(db.index, ['PERSIST', key]);
  }
}

function mget(client: Client, args: readonly string[]): Walk | undefined {
  const { reply, db } = client;
  reply.array(args.length - 1);
  const visit = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const value = db.read(args[i]!);
      if (value === undefined || !isString(value)) reply.null();
      else replyAll(reply, value);
    }
  };
  return overArguments(args, 1, visit, () => {});
}

/** MSET and MSETNX. */
function mset(onlyNew: boolean): Run {
  return (client, args) => {
    if (args.length % 2 === 0) {
      client.reply.error(wrongArity(onlyNew ? 'msetnx' : 'mset'));
      return undefined;
    }
    if (onlyNew) return asNeeded(args.length, setNew(client, args));
    if (args.length > WINDOW) return setMany(client, args);
    setSome(client, args, 1, args.length);
    client.reply.ok();
    return undefined;
  };
}

function setSome(client: Client, args: readonly string[], from: number, to: number): void {
  for (let i = from; i < to; i += 2) {
    client.db.replace(args[i]!, valueAt(args, i + 1));
    changed(client, '$', 'set', args[i]!);
  }
}

function setMany(client: Client, args: readonly string[]): Walk {
  return walkArguments(
    args,
    1,
    (from, to) => setSome(client, args, from, to),
    () => client.reply.ok(),
  );
}

function* setNew(client: Client, args: readonly string[]): Walk {
  const { db, reply } = client;
  for (let i = 1; i < args.length; i += 2) {
    if (i % WINDOW === 1) yield;
    if (db.peek(args[i]!) === undefined) continue;
    reply.integer(0);
    return;
  }
  yield* windows(args.length - 1, (from, to) => setSome(client, args, from + 1, to + 1));
  reply.integer(1);
}

export const stringCommands: readonly CommandSpec[] = [
  stringRow('set', -3, 'write denyoom', ONE, '1.0.0', 'Sets the string value of a key, ignoring its type.', set),
  stringRow(
    'setnx',
    3,
    'write denyoom fast',
    ONE,
    '1.0.0',
    'Sets the string value of a key only when the key does not exist.',
    setNx,
  ),
  stringRow(
    'setex',
    4,
    'write denyoom',
    ONE,
    '2.0.0',
    'Sets the string value and expiration time of a key.',
    setWithExpiry('EX', 'setex'),
  ),
  stringRow(
    'psetex',
    4,
    'write denyoom',
    ONE,
    '2.6.0',
    'Sets the value and expiration time in milliseconds of a key.',
    setWithExpiry('PX', 'psetex'),
  ),
  stringRow('get', 2, 'readonly fast', ONE, '1.0.0', 'Returns the string value of a key.', get),
  stringRow(
    'getset',
    3,
    'write denyoom fast',
    ONE,
    '1.0.0',
    'Returns the previous string value of a key after setting it.',
    getSet,
  ),
  stringRow(
    'getdel',
    2,
    'write fast',
    ONE,
    '6.2.0',
    'Returns the string value of a key after deleting the key.',
    getDel,
  ),
  stringRow(
    'getex',
    -2,
    'write fast',
    ONE,
    '6.2.0',
    'Returns the string value of a key after setting its expiration time.',
    getEx,
  ),
  stringRow(
    'mget',
    -2,
    'readonly fast',
    [1, -1, 1],
    '1.0.0',
    'Atomically returns the string values of one or more keys.',
    mget,
  ),
  stringRow(
    'mset',
    -3,
    'write denyoom',
    [1, -1, 2],
    '1.0.1',
    'Atomically creates or modifies the string values of keys.',
    mset(false),
  ),
  stringRow(
    'msetnx',
    -3,
    'write denyoom',
    [1, -1, 2],
    '1.0.1',
    'Atomically sets keys only when none of them exists.',
    mset(true),
  ),
];
