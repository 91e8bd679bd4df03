import type { Client } from '../clients/server.ts';
import { copyValue } from '../keyspace/copy.ts';
import { isFreedLazily } from '../keyspace/free-effort.ts';
import { DATABASE_COUNT } from '../keyspace/node.ts';
import type { Database } from '../keyspace/database.ts';
import { typeOf } from '../keyspace/value.ts';
import { NO_SUCH_KEY, SAME_OBJECT, SYNTAX } from '../protocol/errors.ts';
import { matches } from '../protocol/glob.ts';
import { Reply } from '../protocol/reply.ts';
import { changed, int32Arg } from './arguments.ts';
import type { CommandSpec, KeySpec, Run } from './command.ts';
import { stepsOf } from './objects.ts';
import { asNeeded, byCursor, overArguments, WINDOW } from './walk.ts';
import type { Walk } from './walk.ts';

/** DEL and UNLINK, which differ in what is counted only: freeing is the garbage collector's in both. */
function del(lazy: boolean): Run {
  return (client, args) => remove(client, args, lazy || client.server.changed('lazyfree-lazy-user-del') === 'yes');
}

function remove(client: Client, args: readonly string[], lazy: boolean): Walk | undefined {
  let removed = 0;
  const visit = (from: number, to: number): void => {
    for (let i = from; i < to; i++) if (removeOne(client, args[i]!, lazy)) removed++;
  };
  return overArguments(args, 1, visit, () => client.reply.integer(removed));
}

function removeOne(client: Client, key: string, lazy: boolean): boolean {
  const value = client.db.peek(key);
  if (value === undefined) return false;
  if (lazy && isFreedLazily(value)) client.node.lazyFreed++;
  client.db.remove(key);
  changed(client, 'g', 'del', key);
  return true;
}

/** EXISTS, and TOUCH, which is a use of each key. */
function count(find: 'look' | 'read'): Run {
  return ({ db, reply }, args) => {
    let found = 0;
    const visit = (from: number, to: number): void => {
      for (let i = from; i < to; i++) if (db[find](args[i]!) !== undefined) found++;
    };
    return overArguments(args, 1, visit, () => reply.integer(found));
  };
}

function type(client: Client, args: readonly string[]): void {
  const value = client.db.look(args[1]!);
  client.reply.simple(value === undefined ? 'none' : typeOf(value));
}

/** RENAME and RENAMENX. */
function rename(onlyNew: boolean): Run {
  return (client, args) => {
    const { db, node, reply } = client;
    const from = args[1]!;
    const to = args[2]!;
    const value = db.write(from);
    if (value === undefined) {
      reply.error(NO_SUCH_KEY);
      return;
    }
    const taken = db.peek(to) !== undefined;
    if (from === to || (onlyNew && taken)) {
      if (onlyNew) reply.integer(0);
      else reply.ok();
      return;
    }
    const expireAt = db.expiryOf(from);
    db.remove(from);
    db.remove(to);
    db.replace(to, value);
    if (expireAt !== undefined) db.expireAt(to, expireAt);
    changed(client, 'g', 'rename_from', from);
    node.notify('g', 'rename_to', to, db.index);
    if (onlyNew) reply.integer(1);
    else reply.ok();
  };
}

function move(client: Client, args: readonly string[]): void {
  const { db, node, reply } = client;
  const key = args[1]!;
  const index = int32Arg(client, args[2]!);
  if (index === undefined) return;
  if (index < 0 || index >= DATABASE_COUNT) {
    reply.error('ERR DB index is out of range');
    return;
  }
  if (index === db.index) {
    reply.error(SAME_OBJECT);
    return;
  }
  const value = db.write(key);
  const target = node.database(index);
  if (value === undefined || target.peek(key) !== undefined) {
    reply.integer(0);
    return;
  }
  const expireAt = db.expiryOf(key);
  db.remove(key);
  target.replace(key, value);
  if (expireAt !== undefined) target.expireAt(key, expireAt);
  changed(client, 'g', 'move_from', key);
  node.notify('g', 'move_to', key, index);
  reply.integer(1);
}

function copy(client: Client, args: readonly string[]): Walk | undefined {
  const { db, node, reply } = client;
  const from = args[1]!;
  const to = args[2]!;
  let target = db;
  let replace = false;
  for (let i = 3; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    if (option === 'REPLACE') replace = true;
    else if (option === 'DB' && i + 1 < args.length) {
      const index = int32Arg(client, args[++i]!);
      if (index === undefined) return undefined;
      if (index < 0 || index >= DATABASE_COUNT) {
        reply.error('ERR DB index is out of range');
        return undefined;
      }
      target = node.database(index);
    } else {
      reply.error(SYNTAX);
      return undefined;
    }
  }
  if (target === db && from === to) {
    reply.error(SAME_OBJECT);
    return undefined;
  }
  const value = db.read(from);
  if (value === undefined || (target.peek(to) !== undefined && !replace)) {
    reply.integer(0);
    return undefined;
  }
  return asNeeded(stepsOf(value), copyTo(target));
  function* copyTo(into: Database): Walk {
    const copied = yield* copyValue(value!, node.encodingLimits);
    const expireAt = db.expiryOf(from);
    into.replace(to, copied);
    if (expireAt !== undefined) into.expireAt(to, expireAt);
    node.dirty++;
    node.notify('g', 'copy_to', to, into.index);
    reply.integer(1);
  }
}

function keys(client: Client, args: readonly string[]): Walk | undefined {
  const { db, reply } = client;
  return asNeeded(db.size, find());
  function* find(): Walk {
    let count = 0;
    const found = new Reply();
    if (db.size > WINDOW) found.beginLong();
    yield* byCursor((cursor, window) =>
      db.entries.scan(cursor, window, (_, key) => {
        if (!matches(args[1]!, key) || db.isExpired(key)) return;
        found.bulk(key);
        count++;
      }),
    );
    reply.array(count);
    reply.append(found);
  }
}

function randomKey(client: Client): void {
  const { db, reply } = client;
  for (;;) {
    const key = db.entries.randomKey();
    if (key === undefined || !db.expireIfDue(key)) {
      reply.bulkOrNull(key);
      return;
    }
  }
}

const row = (
  name: string,
  arity: number,
  flags: string,
  spec: KeySpec | undefined,
  since: string,
  summary: string,
  run: Run,
): CommandSpec => ({
  name,
  arity,
  flags,
  ...(spec === undefined ? {} : { keys: spec }),
  group: 'generic',
  since,
  summary,
  run,
});

export const keyCommands: readonly CommandSpec[] = [
  row('del', -2, 'write', [1, -1, 1], '1.0.0', 'Deletes one or more keys.', del(false)),
  row('unlink', -2, 'write fast', [1, -1, 1], '4.0.0', 'Asynchronously deletes one or more keys.', del(true)),
  row('exists', -2, 'readonly fast', [1, -1, 1], '1.0.0', 'Determines whether one or more keys exist.', count('look')),
  row(
    'touch',
    -2,
    'readonly fast',
    [1, -1, 1],
    '3.2.1',
    'Returns the number of existing keys after updating the time they were last accessed.',
    count('read'),
  ),
  row('type', 2, 'readonly fast', [1, 1, 1], '1.0.0', 'Determines the type of value stored at a key.', type),
  row('rename', 3, 'write', [1, 2, 1], '1.0.0', 'Renames a key and overwrites the destination.', rename(false)),
  row(
    'renamenx',
    3,
    'write fast',
    [1, 2, 1],
    '1.0.0',
    'Renames a key only when the target key name does not exist.',
    rename(true),
  ),
  row('move', 3, 'write fast', [1, 1, 1], '1.0.0', 'Moves a key to another database.', move),
  row('copy', -3, 'write denyoom', [1, 2, 1], '6.2.0', 'Copies the value of a key to a new key.', copy),
  {
    ...row('keys', 2, 'readonly', undefined, '1.0.0', 'Returns all key names that match a pattern.', keys),
    acl: 'keyspace dangerous',
  },
  {
    ...row('randomkey', 1, 'readonly', undefined, '1.0.0', 'Returns a random key name from the database.', randomKey),
    acl: 'keyspace',
  },
];
