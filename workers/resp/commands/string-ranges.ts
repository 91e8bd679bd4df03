import type { Client } from '../clients/server.ts';
import type { ByteString } from '../keyspace/byte-string.ts';
import { EMBEDDED_MAX } from '../keyspace/sizes.ts';
import { isString, mutable, textOf } from '../keyspace/value.ts';
import type { StringValue } from '../keyspace/value.ts';
import { NOT_INTEGER, STRING_TOO_LONG, SYNTAX } from '../protocol/errors.ts';
import { changed, clampRange, integerArg, integerFrom, ofType, readAs, writeAs } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { lcs, lcsSteps } from './lcs.ts';
import { replyPart, withRoom } from './long-text.ts';
import { ONE, stringRow } from './string-row.ts';
import { asNeeded, WINDOW } from './walk.ts';
import type { Walk } from './walk.ts';

/**
 * From this size on APPEND writes in place; below it copying is cheaper than a buffer. What is shorter than Redis embeds
 * is kept in a buffer too, because that shows: its encoding is raw.
 */
const IN_PLACE_BYTES = 4096;
const STRING_MAX = 512 * 1024 * 1024;

function append(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const key = args[1]!;
  const tail = args[2]!;
  const old = writeAs(client, key, 'string');
  if (old === null) return undefined;
  const length = (old?.length ?? 0) + tail.length;
  if (length > STRING_MAX) {
    reply.error(STRING_TOO_LONG);
    return undefined;
  }
  return withRoom(client, key, typeof old === 'string' ? length * 2 : length, () => {
    addTail(client, key, tail);
    changed(client, '$', 'append', key);
    reply.integer(length);
  });
}

function addTail(client: Client, key: string, tail: string): void {
  const { db } = client;
  const old = ofType(client, db.peek(key), 'string') ?? undefined;
  const length = (old?.length ?? 0) + tail.length;
  if (old === undefined) db.put(key, tail);
  else if (
    length > EMBEDDED_MAX &&
    length < IN_PLACE_BYTES &&
    (typeof old === 'string' || old.length <= EMBEDDED_MAX)
  ) {
    db.put(key, flat(textOf(old), tail));
  } else {
    const target = mutable(old, length * 2);
    target.write(target.length, tail);
    if (target === old) db.changed(key, target);
    else db.put(key, target);
  }
}

/** Joins two strings into one flat one: V8's lazy joins would keep both halves and a link alive. */
function flat(left: string, right: string): string {
  return Buffer.from(left + right, 'latin1').toString('latin1');
}

/** The string value of a key, ready to be written in place; undefined when it has another type (the error was sent). */
export function writable(client: Client, key: string, capacity: number): ByteString | undefined {
  const old = writeAs(client, key, 'string');
  if (old === null) return undefined;
  return mutable(old ?? '', capacity);
}

/** Puts a value that was written in place where it belongs. */
export function putWritable(client: Client, key: string, value: ByteString): void {
  if (client.db.entries.get(key) === value) client.db.changed(key, value);
  else client.db.put(key, value);
}

function setRange(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const key = args[1]!;
  const piece = args[3]!;
  const offset = integerArg(client, args[2]!);
  if (offset === undefined) return undefined;
  if (offset < 0) {
    reply.error('ERR offset is out of range');
    return undefined;
  }
  if (piece === '') {
    const value = writeAs(client, key, 'string');
    if (value !== null) reply.integer(value?.length ?? 0);
    return undefined;
  }
  if (ofType(client, client.db.peek(key), 'string') === null) return undefined;
  if (offset + piece.length > STRING_MAX) {
    reply.error(STRING_TOO_LONG);
    return undefined;
  }
  const length = offset + piece.length;
  return withRoom(client, key, length, () => {
    const value = writable(client, key, length);
    if (value === undefined) return;
    value.write(offset, piece);
    putWritable(client, key, value);
    changed(client, '$', 'setrange', key);
    reply.integer(value.length);
  });
}

function getRange(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const start = integerArg(client, args[2]!);
  if (start === undefined) return undefined;
  const end = integerArg(client, args[3]!);
  if (end === undefined) return undefined;
  const value = readAs(client, args[1]!, 'string');
  if (value === null) return undefined;
  const length = value?.length ?? 0;
  // As in Redis 7.2, a range that ends before it starts, counted from the end, is empty even when clamping would reorder it.
  const range = start < 0 && end < 0 && start > end ? undefined : clampRange(start, Math.max(end, -length), length);
  if (range !== undefined) return replyPart(reply, value!, range.start, range.end + 1);
  reply.bulk('');
  return undefined;
}

function strlen(client: Client, args: readonly string[]): void {
  const value = readAs(client, args[1]!, 'string');
  if (value !== null) client.reply.integer(value?.length ?? 0);
}

function lcsCommand(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const values = [client.db.read(args[1]!), client.db.read(args[2]!)];
  if (values.some((value) => value !== undefined && !isString(value))) {
    reply.error('ERR The specified keys must contain string values');
    return undefined;
  }
  let len = false;
  let idx = false;
  let withMatchLen = false;
  let minMatchLen = 0;
  for (let i = 3; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    if (option === 'LEN') len = true;
    else if (option === 'IDX') idx = true;
    else if (option === 'WITHMATCHLEN') withMatchLen = true;
    else if (option === 'MINMATCHLEN' && i + 1 < args.length) {
      const value = integerFrom(client, args[++i]!, -Infinity, NOT_INTEGER);
      if (value === undefined) return undefined;
      minMatchLen = Math.max(0, value);
    } else {
      reply.error(SYNTAX);
      return undefined;
    }
  }
  if (len && idx) {
    reply.error('ERR If you want both the length and indexes, please just use IDX.');
    return undefined;
  }
  const [a, b] = values.map((value) => (value === undefined ? '' : textOf(value as StringValue)));
  if ((a!.length + 1) * (b!.length + 1) * 4 > 1_000_000_000) {
    reply.error('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
    return undefined;
  }
  return asNeeded(lcsSteps(a!.length, b!.length) * WINDOW, find());
  function* find(): Walk {
    const result = yield* lcs(a!, b!);
    if (len) {
      reply.integer(result.text.length);
      return;
    }
    if (!idx) {
      reply.bulk(result.text);
      return;
    }
    const matches = result.matches.filter((match) => match.length >= minMatchLen);
    reply.map(2);
    reply.bulk('matches');
    reply.array(matches.length);
    for (const { a: startA, b: startB, length } of matches) {
      reply.array(withMatchLen ? 3 : 2);
      for (const start of [startA, startB]) {
        reply.array(2);
        reply.integer(start);
        reply.integer(start + length - 1);
      }
      if (withMatchLen) reply.integer(length);
    }
    reply.bulk('len');
    reply.integer(result.text.length);
  }
}

export const stringRangeCommands: readonly CommandSpec[] = [
  stringRow('append', 3, 'write denyoom fast', ONE, '2.0.0', 'Appends a string to the value of a key.', append),
  stringRow(
    'setrange',
    4,
    'write denyoom',
    ONE,
    '2.2.0',
    'Overwrites a part of a string value with another.',
    setRange,
  ),
  stringRow('getrange', 4, 'readonly', ONE, '2.4.0', 'Returns a substring of the string stored at a key.', getRange),
  stringRow('substr', 4, 'readonly', ONE, '1.0.0', 'Returns a substring from a string value.', getRange),
  stringRow('strlen', 2, 'readonly fast', ONE, '2.2.0', 'Returns the length of a string value.', strlen),
  stringRow('lcs', -3, 'readonly', [1, 2, 1], '7.0.0', 'Finds the longest common substring.', lcsCommand),
];
