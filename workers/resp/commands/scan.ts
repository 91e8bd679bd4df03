import type { Client } from '../clients/server.ts';
import { typeOf } from '../keyspace/value.ts';
import type { Value } from '../keyspace/value.ts';
import { NOT_INTEGER, SYNTAX } from '../protocol/errors.ts';
import { formatDouble } from '../protocol/numbers.ts';
import { matches } from '../protocol/glob.ts';
import { integerArg, readAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { asNeeded, bulksInSteps, WINDOW } from './walk.ts';
import type { Walk } from './walk.ts';

/** So many texts are gathered in one array. */
const PART_LENGTH = 1024;

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

/** What a scan has found, in arrays of some length: a long one is copied, all of it, each time it outgrows its room. */
class Found {
  length = 0;
  private last: string[] = [];
  private readonly parts = [this.last];

  add(...texts: readonly string[]): void {
    if (this.last.length >= PART_LENGTH) this.parts.push((this.last = []));
    for (const text of texts) this.last.push(text);
    this.length += texts.length;
  }

  *send({ reply }: Client, cursor: number): Walk {
    reply.array(2);
    reply.bulk(String(cursor));
    reply.array(this.length);
    for (const part of this.parts) yield* bulksInSteps(reply, part);
  }
}

function scan(client: Client, args: readonly string[]): Walk | undefined {
  const { db } = client;
  const cursor = cursorArg(client, args[1]!);
  if (cursor === undefined) return undefined;
  const options = scanOptions(client, args, 1, true);
  if (options === undefined) return undefined;
  const { pattern, type } = options;
  const found = new Found();
  const due: string[] = [];
  const visit = (value: Value, key: string): void => {
    if (pattern !== undefined && !matches(pattern, key)) return;
    // What has expired is removed, also when it is not of the type.
    if (db.expires.size !== 0 && db.isExpired(key)) due.push(key);
    else if (type === undefined || typeOf(value) === type) found.add(key);
  };
  return scanned(
    cursor,
    options.count,
    (from, count) => db.entries.scan(from, count, visit),
    (next) => {
      for (const key of due) db.expireIfDue(key);
      return found.send(client, next);
    },
  );
}

/** Scans with a count that may be large, and gives the cursor that comes after it. */
function scanned(
  cursor: number,
  count: number,
  scanSome: (cursor: number, count: number) => number,
  ended: (next: number) => Walk,
): Walk | undefined {
  return asNeeded(count, walk());
  function* walk(): Walk {
    let at = cursor;
    for (let left = count; left > 0; left -= WINDOW) {
      at = scanSome(at, Math.min(left, WINDOW));
      if (at === 0) break;
      yield;
    }
    yield* ended(at);
  }
}

/** HSCAN, SSCAN and ZSCAN differ in the type of the key and in what they return of an element. */
function scanOf(kind: 'hash' | 'set' | 'zset'): Run {
  return (client, args) => {
    const cursor = cursorArg(client, args[2]!);
    if (cursor === undefined) return undefined;
    const collection = readAs(client, args[1]!, kind);
    if (collection === null) return undefined;
    if (collection === undefined) {
      return asNeeded(0, new Found().send(client, 0));
    }
    const options = scanOptions(client, args, 2, false);
    if (options === undefined) return undefined;
    const { count, pattern } = options;
    const found = new Found();
    const wanted = (name: string): boolean => pattern === undefined || matches(pattern, name);
    const scanSome = (from: number, some: number): number => {
      switch (collection.kind) {
        case 'hash':
          return collection.scan(from, some, (value, field) => {
            if (wanted(field)) found.add(field, value);
          });
        case 'set':
          return collection.scan(from, some, (member) => {
            if (wanted(member)) found.add(member);
          });
        default:
          return collection.scan(from, some, (score, member) => {
            if (wanted(member)) found.add(member, formatDouble(score));
          });
      }
    };
    return scanned(cursor, count, scanSome, (next) => found.send(client, next));
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
