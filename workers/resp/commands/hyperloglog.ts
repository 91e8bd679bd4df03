import type { Client } from '../clients/server.ts';
import { ByteString } from '../keyspace/byte-string.ts';
import { raiseSparse } from '../keyspace/hyperloglog-sparse.ts';
import {
  DENSE,
  describeSparse,
  EMPTY_HLL,
  estimate,
  isHyperLogLog,
  mergeInto,
  patternOf,
  raiseDense,
} from '../keyspace/hyperloglog.ts';
import { REGISTERS, toDense } from '../keyspace/hyperloglog.ts';
import { EMBEDDED_MAX } from '../keyspace/sizes.ts';
import { isString, textOf } from '../keyspace/value.ts';
import type { Value } from '../keyspace/value.ts';
import { WRONG_TYPE } from '../protocol/errors.ts';
import { changed } from './arguments.ts';
import type { CommandSpec, KeySpec, Run } from './command.ts';
import { overArguments } from './walk.ts';
import type { Walk } from './walk.ts';

const NOT_HLL = 'WRONGTYPE Key is not a valid HyperLogLog string value.';
const DAMAGED = 'INVALIDOBJ Corrupted HLL object detected';

/** The byte of the header whose highest bit says that the cached count is stale. */
const STALE_AT = 15;
const CACHE_AT = 8;

/** A HyperLogLog while a command works on it. */
interface Hll {
  bytes: Buffer;
}

/** The bytes of a value: a copy, or the value itself when it is dense and kept in place. Null when it is none (the error was sent). */
function hllOf(client: Client, value: Value | undefined): Hll | undefined | null {
  if (value === undefined) return undefined;
  const text = isString(value) ? textOf(value) : undefined;
  if (text === undefined || !isHyperLogLog(text)) {
    client.reply.error(text === undefined ? WRONG_TYPE : NOT_HLL);
    return null;
  }
  const inPlace = value instanceof ByteString && text.charCodeAt(4) === DENSE;
  return { bytes: inPlace ? value.view() : Buffer.from(text, 'latin1') };
}

/** Puts a changed HyperLogLog in place; the dense form stays a buffer, so that its registers are set without copying, and a short one so that its encoding is `raw`. */
function store(client: Client, key: string, { bytes }: Hll, fresh: boolean): void {
  const { db } = client;
  const old = db.peek(key);
  if (old instanceof ByteString && old.length === bytes.length && old.view().buffer === bytes.buffer) {
    db.changed(key, old);
    return;
  }
  const text = bytes.toString('latin1');
  const value = bytes[4] === DENSE || text.length <= EMBEDDED_MAX ? new ByteString(text) : text;
  if (fresh) db.replace(key, value);
  else db.put(key, value);
}

/** Raises a register and says whether it was lower; undefined when the bytes are damaged. */
function raise(client: Client, hll: Hll, index: number, count: number): boolean | undefined {
  if (hll.bytes[4] !== DENSE) {
    const raised = raiseSparse(hll, index, count, client.node.encodingLimits.hllSparseBytes);
    if (raised === 'damaged') return undefined;
    if (raised !== 'dense') return raised === 'raised';
    const dense = toDense(hll.bytes);
    if (dense === undefined) return undefined;
    hll.bytes = dense;
  }
  return raiseDense(hll.bytes, index, count);
}

function markStale({ bytes }: Hll): void {
  bytes[STALE_AT] = bytes[STALE_AT]! | 0x80;
}

function add(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  const key = args[1]!;
  const existing = hllOf(client, client.db.write(key));
  if (existing === null) return undefined;
  const hll = existing ?? { bytes: Buffer.from(EMPTY_HLL, 'latin1') };
  let updates = existing === undefined ? 1 : 0;
  let damaged = false;
  const visit = (from: number, to: number): void => {
    for (let i = from; i < to && !damaged; i++) {
      const { index, count } = patternOf(args[i]!);
      const raised = raise(client, hll, index, count);
      if (raised === undefined) damaged = true;
      else if (raised) updates++;
    }
  };
  return overArguments(args, 2, visit, () => {
    if (damaged) {
      reply.error(DAMAGED);
      return;
    }
    if (updates > 0) {
      markStale(hll);
      store(client, key, hll, existing === undefined);
      changed(client, '$', 'pfadd', key, updates);
    }
    reply.integer(updates > 0 ? 1 : 0);
  });
}

/** How many HyperLogLogs are merged between two looks at the clock: each has 16,384 registers. */
const MERGED_AT_ONCE = 4;

/** The registers of all keys together; undefined when one is no HyperLogLog (the error was sent). */
function* merged(
  client: Client,
  keys: readonly string[],
): Generator<void, { max: Uint8Array; dense: boolean } | undefined> {
  const max = new Uint8Array(REGISTERS);
  let dense = false;
  for (const [i, key] of keys.entries()) {
    if (i % MERGED_AT_ONCE === MERGED_AT_ONCE - 1) yield;
    const hll = hllOf(client, client.db.read(key));
    if (hll === null) return undefined;
    if (hll === undefined) continue;
    if (hll.bytes[4] === DENSE) dense = true;
    if (mergeInto(max, hll.bytes)) continue;
    client.reply.error(DAMAGED);
    return undefined;
  }
  return { max, dense };
}

/** PFCOUNT of one key keeps the count in the value, as Redis does. */
function countOne(client: Client, key: string): void {
  const { db, node, reply } = client;
  // Counted as a read, though the count that is kept changes the value.
  const hll = hllOf(client, db.look(key) === undefined ? undefined : db.write(key));
  if (hll === null) return;
  if (hll === undefined) {
    reply.integer(0);
    return;
  }
  if ((hll.bytes[STALE_AT]! & 0x80) === 0) {
    reply.integer(hll.bytes.readBigUInt64LE(CACHE_AT));
    return;
  }
  const max = new Uint8Array(REGISTERS);
  if (!mergeInto(max, hll.bytes)) {
    reply.error(DAMAGED);
    return;
  }
  const count = estimate(max);
  hll.bytes.writeBigUInt64LE(BigInt(count), CACHE_AT);
  store(client, key, hll, false);
  node.dirty++;
  reply.integer(count);
}

function count(client: Client, args: readonly string[]): Walk | undefined {
  if (args.length > 2) return countMany(client, args.slice(1));
  countOne(client, args[1]!);
  return undefined;
}

function* countMany(client: Client, keys: readonly string[]): Walk {
  const all = yield* merged(client, keys);
  if (all !== undefined) client.reply.integer(estimate(all.max));
}

function* merge(client: Client, args: readonly string[]): Walk {
  const { db, reply } = client;
  const key = args[1]!;
  const all = yield* merged(client, args.slice(1));
  if (all === undefined) return;
  const existing = hllOf(client, db.write(key));
  if (existing === null) return;
  const hll = existing ?? { bytes: Buffer.from(EMPTY_HLL, 'latin1') };
  if (all.dense && hll.bytes[4] !== DENSE) hll.bytes = toDense(hll.bytes) ?? hll.bytes;
  for (let index = 0; index < REGISTERS; index++) {
    if (all.max[index]! > 0) raise(client, hll, index, all.max[index]!);
  }
  markStale(hll);
  store(client, key, hll, existing === undefined);
  changed(client, '$', 'pfadd', key);
  reply.ok();
}

/** PFDEBUG: what is inside a HyperLogLog. */
function inspect(client: Client, args: readonly string[]): void {
  const { db, node, reply } = client;
  const sub = args[1]!.toLowerCase();
  const key = args[2]!;
  const hll = hllOf(client, db.write(key));
  if (hll === null) return;
  if (hll === undefined) {
    reply.error('ERR The specified key does not exist');
    return;
  }
  const sparse = hll.bytes[4] !== DENSE;
  if (sub === 'encoding') {
    reply.simple(sparse ? 'sparse' : 'dense');
    return;
  }
  if (sub === 'decode') {
    if (sparse) reply.bulk(describeSparse(hll.bytes));
    else reply.error('ERR HLL encoding is not sparse');
    return;
  }
  if (sub !== 'getreg' && sub !== 'todense') {
    reply.error(`ERR Unknown PFDEBUG subcommand '${args[1]!}'`);
    return;
  }
  if (sparse) {
    const dense = toDense(hll.bytes);
    if (dense === undefined) {
      reply.error(DAMAGED);
      return;
    }
    hll.bytes = dense;
    store(client, key, hll, false);
    node.dirty++;
  }
  if (sub === 'todense') {
    reply.integer(sparse ? 1 : 0);
    return;
  }
  const registers = new Uint8Array(REGISTERS);
  mergeInto(registers, hll.bytes);
  reply.array(REGISTERS);
  for (const register of registers) reply.integer(register);
}

/** PFSELFTEST: counts elements and looks at how far the estimate is off; few enough to keep nobody waiting. */
function selfTest({ reply }: Client): void {
  const max = new Uint8Array(REGISTERS);
  for (let element = 1; element <= 4000; element++) {
    const { index, count: zeros } = patternOf(`selftest:${element}`);
    max[index] = Math.max(max[index]!, zeros);
    // Six standard errors of 1.04 / sqrt(16384).
    if (element % 1000 === 0 && Math.abs(estimate(max) - element) > element * 0.05) {
      reply.error(`TESTFAILED Too big error. card:${element} abserr:${Math.abs(estimate(max) - element)}`);
      return;
    }
  }
  reply.ok();
}

const row = (name: string, flags: string, summary: string, run: Run, keys: KeySpec = [1, -1, 1]): CommandSpec => ({
  name,
  arity: -2,
  flags,
  keys,
  group: 'hyperloglog',
  since: '2.8.9',
  summary,
  run,
});

export const hyperLogLogCommands: readonly CommandSpec[] = [
  row('pfadd', 'write denyoom fast', 'Adds elements to a HyperLogLog key.', add, [1, 1, 1]),
  row('pfcount', 'readonly may_replicate', 'Returns the approximated cardinality of HyperLogLog keys.', count),
  {
    ...row('pfdebug', 'write denyoom admin', 'Internal commands for debugging HyperLogLog values.', inspect, [2, 2, 1]),
    arity: 3,
  },
  {
    name: 'pfselftest',
    arity: 1,
    flags: 'admin',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'An internal command for testing HyperLogLog values.',
    run: selfTest,
  },
  row('pfmerge', 'write denyoom', 'Merges HyperLogLog values into a single key.', merge),
];
