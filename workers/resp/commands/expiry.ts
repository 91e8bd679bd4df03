import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { cut } from '../protocol/errors.ts';
import { fitsInt64 } from '../protocol/numbers.ts';
import { changed, integerArg } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { rowsOf } from './rows.ts';

/** The last time there is: the largest double below 2^63. */
const AT_MAX = 2 ** 63 - 1024;

/** Reads NX, XX, GT and LT; an error line when they contradict each other. */
function conditions(args: readonly string[]): Set<string> | string {
  const found = new Set<string>();
  for (const arg of args.slice(3)) {
    const option = arg.toUpperCase();
    if (!/^(?:NX|XX|GT|LT)$/.test(option)) return `ERR Unsupported option ${cut(arg, arg.length)}`;
    found.add(option);
  }
  if (found.has('NX') && found.size > 1) return 'ERR NX and XX, GT or LT options at the same time are not compatible';
  if (found.has('GT') && found.has('LT')) return 'ERR GT and LT options at the same time are not compatible';
  return found;
}

/** EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT. */
function expire(name: string, unitMs: number, absolute: boolean): Run {
  return (client, args) => {
    const { db, node, reply } = client;
    const key = args[1]!;
    const options = conditions(args);
    if (typeof options === 'string') {
      reply.error(options);
      return;
    }
    const value = integerArg(client, args[2]!);
    if (value === undefined) return;
    const base = absolute ? 0 : clock.now;
    const wanted = value * unitMs + base;
    if (overflows(args[2]!, value, unitMs, base)) {
      reply.error(`ERR invalid expire time in '${name}' command`);
      return;
    }
    // 2^63 - 1 becomes 2^63 as a double, and that is no time a journal could be read back with.
    const at = Math.min(wanted, AT_MAX);
    if (db.peek(key) === undefined || !holds(options, db.expiryOf(key), at)) {
      reply.integer(0);
      return;
    }
    if (at <= clock.now && !node.replaying) {
      db.remove(key);
      changed(client, 'g', 'del', key);
      node.propagate(db.index, ['DEL', key]);
    } else {
      db.expireAt(key, at);
      changed(client, 'g', 'expire', key);
      node.propagate(db.index, ['PEXPIREAT', key, String(at)]);
    }
    reply.integer(1);
  };
}

/** Whether a time does not fit 64 bits as milliseconds, or no longer does once the present is added. */
function overflows(text: string, value: number, unitMs: number, base: number): boolean {
  if (Math.abs(value) < 2 ** 52) return false;
  const exact = BigInt(text) * BigInt(unitMs);
  return !fitsInt64(exact) || !fitsInt64(exact + BigInt(base));
}

/** Whether the conditions allow to go from one expiry (none counts as infinite) to another. */
function holds(options: ReadonlySet<string>, current: number | undefined, at: number): boolean {
  if (options.has('NX') && current !== undefined) return false;
  if (options.has('XX') && current === undefined) return false;
  if (options.has('GT') && at <= (current ?? Infinity)) return false;
  return !(options.has('LT') && at >= (current ?? Infinity));
}

/** TTL, PTTL, EXPIRETIME and PEXPIRETIME. */
function timeLeft(unitMs: number, absolute: boolean): Run {
  return (client, args) => {
    const { db, reply } = client;
    if (db.look(args[1]!) === undefined) {
      reply.integer(-2);
      return;
    }
    const at = db.expiryOf(args[1]!);
    if (at === undefined) reply.integer(-1);
    else if (absolute) reply.integer(unitMs === 1 ? at : Math.floor((at + 500) / 1000));
    else {
      const left = Math.max(0, at - clock.now);
      reply.integer(unitMs === 1 ? left : Math.floor((left + 500) / 1000));
    }
  };
}

function persist(client: Client, args: readonly string[]): void {
  const done = client.db.peek(args[1]!) !== undefined && client.db.persist(args[1]!);
  if (done) changed(client, 'g', 'persist', args[1]!);
  client.reply.integer(done ? 1 : 0);
}

const row = rowsOf('generic');

export const expiryCommands: readonly CommandSpec[] = [
  row(
    'expire',
    -3,
    'write fast',
    '1.0.0',
    'Sets the expiration time of a key in seconds.',
    expire('expire', 1000, false),
  ),
  row(
    'pexpire',
    -3,
    'write fast',
    '2.6.0',
    'Sets the expiration time of a key in milliseconds.',
    expire('pexpire', 1, false),
  ),
  row(
    'expireat',
    -3,
    'write fast',
    '1.2.0',
    'Sets the expiration time of a key to a Unix timestamp.',
    expire('expireat', 1000, true),
  ),
  row(
    'pexpireat',
    -3,
    'write fast',
    '2.6.0',
    'Sets the expiration time of a key to a Unix milliseconds timestamp.',
    expire('pexpireat', 1, true),
  ),
  row('ttl', 2, 'readonly fast', '1.0.0', 'Returns the expiration time in seconds of a key.', timeLeft(1000, false)),
  row('pttl', 2, 'readonly fast', '2.6.0', 'Returns the expiration time in milliseconds of a key.', timeLeft(1, false)),
  row(
    'expiretime',
    2,
    'readonly fast',
    '7.0.0',
    'Returns the expiration time of a key as a Unix timestamp.',
    timeLeft(1000, true),
  ),
  row(
    'pexpiretime',
    2,
    'readonly fast',
    '7.0.0',
    'Returns the expiration time of a key as a Unix milliseconds timestamp.',
    timeLeft(1, true),
  ),
  row('persist', 2, 'write fast', '2.2.0', 'Removes the expiration time of a key.', persist),
];
