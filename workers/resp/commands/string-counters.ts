import type { Client } from '../clients/server.ts';
import { textOf } from '../keyspace/value.ts';
import { NOT_FLOAT, NOT_INTEGER, OVERFLOW } from '../protocol/errors.ts';
import { addLongDoubles, formatLongDouble, parseLongDouble } from '../protocol/long-double.ts';
import { fitsInt64, parseBigInteger, parseInteger } from '../protocol/numbers.ts';
import { changed, integerArg, writeAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { ONE, stringRow } from './string-row.ts';

function incrementBy(client: Client, key: string, by: number, exact: () => bigint): void {
  const old = writeAs(client, key, 'string');
  if (old === null) return;
  const text = old === undefined ? '0' : textOf(old);
  const number = parseInteger(text);
  if (number === undefined) {
    client.reply.error(NOT_INTEGER);
    return;
  }
  let sum: number | bigint = number + by;
  if (!Number.isSafeInteger(number) || !Number.isSafeInteger(by) || !Number.isSafeInteger(sum)) {
    sum = BigInt(text) + exact();
    if (!fitsInt64(sum)) {
      client.reply.error(OVERFLOW);
      return;
    }
  }
  client.db.put(key, String(sum));
  changed(client, '$', 'incrby', key);
  client.reply.integer(sum);
}

function increment(sign: 1 | -1): Run {
  return (client, args) => incrementBy(client, args[1]!, sign, () => BigInt(sign));
}

/** INCRBY and DECRBY. */
function incrementByArg(sign: 1 | -1): Run {
  return (client, args) => {
    const by = integerArg(client, args[2]!);
    if (by === undefined) return;
    const exact = (): bigint => BigInt(sign) * parseBigInteger(args[2]!)!;
    if (sign === -1 && !fitsInt64(exact())) {
      client.reply.error('ERR decrement would overflow');
      return;
    }
    incrementBy(client, args[1]!, by * sign, exact);
  };
}

function incrementByFloat(client: Client, args: readonly string[]): void {
  const { db, node, reply } = client;
  const key = args[1]!;
  const old = writeAs(client, key, 'string');
  if (old === null) return;
  const text = old === undefined ? '0' : textOf(old);
  const number = parseLongDouble(text);
  const by = parseLongDouble(args[2]!);
  if (number === undefined || by === undefined) {
    reply.error(NOT_FLOAT);
    return;
  }
  const total = addLongDoubles(number, by);
  if (total === undefined) {
    reply.error('ERR increment would produce NaN or Infinity');
    return;
  }
  const sum = formatLongDouble(total);
  db.put(key, sum);
  changed(client, '$', 'incrbyfloat', key);
  node.propagate(db.index, ['SET', key, sum, 'KEEPTTL']);
  reply.bulk(sum);
}

export const stringCounterCommands: readonly CommandSpec[] = [
  stringRow(
    'incr',
    2,
    'write denyoom fast',
    ONE,
    '1.0.0',
    'Increments the integer value of a key by one.',
    increment(1),
  ),
  stringRow(
    'decr',
    2,
    'write denyoom fast',
    ONE,
    '1.0.0',
    'Decrements the integer value of a key by one.',
    increment(-1),
  ),
  stringRow(
    'incrby',
    3,
    'write denyoom fast',
    ONE,
    '1.0.0',
    'Increments the integer value of a key by a number.',
    incrementByArg(1),
  ),
  stringRow(
    'decrby',
    3,
    'write denyoom fast',
    ONE,
    '1.0.0',
    'Decrements a number from the integer value of a key.',
    incrementByArg(-1),
  ),
  stringRow(
    'incrbyfloat',
    3,
    'write denyoom fast',
    ONE,
    '2.6.0',
    'Increments the floating point value of a key.',
    incrementByFloat,
  ),
];
