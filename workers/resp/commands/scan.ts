import type { Client } from '../clients/server.ts';
import { typeOf } from '../keyspace/value.ts';
import { NOT_INTEGER, SYNTAX } from '../protocol/errors.ts';
import { formatDouble } from '../protocol/numbers.ts';
import { matches } from '../protocol/glob.ts';
import { integerArg, readAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';

interface ScanOptions {
  count: number;
  pattern: string | undefined;
  type: string | undefined;
}

/** Reads a cursor; when it is none, replies with the error and returns undefined. */
function cursorArg(client: Client, bytes: string): number | undefined {
  const text = bytes.split('\0', 1)[0]!;
  // As strtoul reads it: nothing is zero, and a minus wraps around.
  if (text === '') return 0;
  const value = /^[+-]?\d{1,20}$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
  if (value !== undefined && value < 2n ** 64n && value > -(2n ** 64n)) return Number(BigInt.asUintN(64, value));
  client.reply.error('ERR invalid cursor');
  return undefined;
}

/** Reads what follows the cursor at `at`; when something is wrong the error is replied and undefined returned. */
function scanOptions(client: Client, args: readonly string[], at: number, types: boolean): ScanOptions | undefined {
  const { reply } = client;
  const options: ScanOptions = { count: 10, pattern: undefined, type: undefined };
  for (let i = at + 1; i < args.length; i += 2) {
    const option = args[i]!.toUpperCase();
    const value = args[i + 1];
    if (option === 'COUNT' && value !== undefined) {
      const count = integerArg(client, value, NOT_INTEGER);
      if (count === undefined) return undefined;
      if (count < 1) {
        reply.error(SYNTAX);
        return undefined;
      }
      options.count = count;
    } else if (option === 'MATCH' && value !== undefined) options.pattern = value;
    else if (option === 'TYPE' && types && value !== undefined) options.type = value.toLowerCase();
    else {
      reply.error(SYNTAX);
      return undefined;
    }
  }
  return options;
}

function send(client: Client, cursor: number, found: readonly string[]): void {
  client.reply.array(2);
  client.reply.bulk(String(cursor));
  client.reply.bulks(found);
}

function scan(client: Client, args: readonly string[]): void {
  const { db } = client;
  const cursor = cursorArg(client, args[1]!);
  if (cursor === undefined) return;
  const options = scanOptions(client, args, 1, true);
  if (options === undefined) return;
  const { pattern, type } = options;
  const found: string[] = [];
  const due: string[] = [];
  const next = db.entries.scan(cursor, options.count, (value, key) => {
    if (pattern !== undefined && !matches(pattern, key)) return;
    // What has expired is removed, also when it is not of the type.
    if (db.expires.size !== 0 && db.isExpired(key)) due.push(key);
    else if (type === undefined || typeOf(value) === type) found.push(key);
  });
  for (const key of due) db.expireIfDue(key);
  send(client, next, found);
}

/** HSCAN, SSCAN and ZSCAN differ in the type of the key and in what they return of an element. */
function scanOf(kind: 'hash' | 'set' | 'zset'): Run {
  return (client, args) => {
    const cursor = cursorArg(client, args[2]!);
    if (cursor === undefined) return;
    const collection = readAs(client, args[1]!, kind);
    if (collection === null) return;
    if (collection === undefined) {
      send(client, 0, []);
      return;
    }
    const options = scanOptions(client, args, 2, false);
    if (options === undefined) return;
    const { count, pattern } = options;
    const found: string[] = [];
    const wanted = (name: string): boolean => pattern === undefined || matches(pattern, name);
    let next = 0;
    if (collection.kind === 'hash') {
      next = collection.scan(cursor, count, (value, field) => {
        if (wanted(field)) found.push(field, value);
      });
    } else if (collection.kind === 'set') {
      next = collection.scan(cursor, count, (member) => {
        if (wanted(member)) found.push(member);
      });
    } else {
      next = collection.scan(cursor, count, (score, member) => {
        if (wanted(member)) found.push(member, formatDouble(score));
      });
    }
    send(client, next, found);
  };
}

const row = (name: string, group: string, summary: string, run: Run): CommandSpec => ({
  name,
  arity: -3,
  flags: 'readonly',
  keys: [1, 1, 1],
  group,
  since: '2.8.0',
  summary,
  run,
});

export const scanCommands: readonly CommandSpec[] = [
  {
    name: 'scan',
    arity: -2,
    flags: 'readonly',
    group: 'generic',
    since: '2.8.0',
    summary: 'Iterates over the key names in the database.',
    acl: 'keyspace',
    run: scan,
  },
  row('hscan', 'hash', 'Iterates over fields and values of a hash.', scanOf('hash')),
  row('sscan', 'set', 'Iterates over members of a set.', scanOf('set')),
  row('zscan', 'sorted-set', 'Iterates over members and scores of a sorted set.', scanOf('zset')),
];
