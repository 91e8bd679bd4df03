import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import type { Node } from '../keyspace/node.ts';
import { EMBEDDED_MAX, ENTRY_BYTES, stringBytes } from '../keyspace/sizes.ts';
import { frequency, idleMs, setFrequency, setIdle } from '../keyspace/usage.ts';
import { bytesOf, isString } from '../keyspace/value.ts';
import type { Value } from '../keyspace/value.ts';
import { SYNTAX } from '../protocol/errors.ts';
import { isInteger } from '../protocol/numbers.ts';
import { changed, integerArg, integerFrom, makeRoom } from './arguments.ts';
import type { CommandSpec, KeySpec, Run } from './command.ts';
import { memoryStats } from './memory-stats.ts';
import type { ValueCodec } from '../keyspace/codec.ts';
import { partsOf } from '../keyspace/stream-group.ts';
import { asNeeded } from './walk.ts';
import type { Walk } from './walk.ts';

/** The encoding Redis would have chosen. */
export function encodingOf(value: Value, node: Node): string {
  if (typeof value === 'string') {
    if (isInteger(value)) return 'int';
    return value.length <= EMBEDDED_MAX ? 'embstr' : 'raw';
  }
  switch (value.kind) {
    case 'string':
      return 'raw';
    case 'list':
      return value.encoding(node.encodingLimits);
    default:
      return value.encoding;
  }
}

/** Small integers are one shared object in Redis, unless each value needs a time of last use of its own. */
function referencesOf(value: Value, node: Node): number {
  const shared = typeof value === 'string' && value.length <= 4 && isInteger(value) && !value.startsWith('-');
  return shared && (node.maxMemory === 0 || !/l[rf]u$/.test(node.evictionPolicy)) ? 2_147_483_647 : 1;
}

/** A subcommand of OBJECT about a key that must be there; OBJECT does not count as a use. */
function about(tell: (client: Client, key: string, value: Value) => void): Run {
  return (client, args) => {
    const value = client.db.peek(args[2]!);
    if (value === undefined) client.reply.null();
    else tell(client, args[2]!, value);
  };
}

const NOT_LFU =
  'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.';
const IS_LFU =
  'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.';

function freq(client: Client, key: string): void {
  if (client.node.evictionPolicy.endsWith('lfu')) client.reply.integer(frequency(client.node, client.db, key));
  else client.reply.error(NOT_LFU);
}

function idleTime(client: Client, key: string): void {
  if (client.node.evictionPolicy.endsWith('lfu')) client.reply.error(IS_LFU);
  else client.reply.integer(Math.floor(idleMs(client.db, key) / 1000));
}

function memoryUsage(client: Client, args: readonly string[]): void {
  const { db, reply } = client;
  for (let at = 3; at < args.length; at += 2) {
    const samples = args[at]!.toUpperCase() === 'SAMPLES' ? args[at + 1] : undefined;
    if (samples === undefined) {
      reply.error(SYNTAX);
      return;
    }
    if (integerArg(client, samples) === undefined || integerFrom(client, samples, 0, SYNTAX) === undefined) return;
  }
  // As in Redis, which looks at the table itself: what has expired is measured, too, and stays.
  const value = db.entries.get(args[2]!);
  if (value === undefined) reply.null();
  else reply.integer(ENTRY_BYTES + stringBytes(args[2]!) + bytesOf(value));
}

function dump(client: Client, args: readonly string[]): Walk | undefined {
  const { reply, server } = client;
  const { codec } = server.host;
  const value = client.db.read(args[1]!);
  if (value === undefined) reply.null();
  else if (codec === undefined) reply.error('ERR DUMP is not available: the engine was started without a codec');
  else return asNeeded(stepsOf(value), serialize(codec, value));
  return undefined;
  function* serialize(by: ValueCodec, what: Value): Walk {
    reply.bulkOf(yield* by.serializeInSteps(what));
  }
}

/** A measure for what it takes to serialize or copy a value: its elements, or the kilobytes of a string. */
export function stepsOf(value: Value): number {
  if (isString(value)) return value.length / 1024;
  if (value.kind === 'stream') return partsOf(value);
  return value.kind === 'list' ? value.length : value.size;
}

interface RestoreOptions {
  replace: boolean;
  absolute: boolean;
  idleSeconds: number | undefined;
  frequency: number | undefined;
}

function restoreOptions(client: Client, args: readonly string[]): RestoreOptions | undefined {
  const options: RestoreOptions = { replace: false, absolute: false, idleSeconds: undefined, frequency: undefined };
  for (let i = 4; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    if (option === 'REPLACE') options.replace = true;
    else if (option === 'ABSTTL') options.absolute = true;
    else if ((option === 'IDLETIME' || option === 'FREQ') && i + 1 < args.length) {
      const value = integerArg(client, args[++i]!);
      if (value === undefined) return undefined;
      if (value < 0 || (option === 'FREQ' && value > 255)) {
        client.reply.error(`ERR Invalid ${option} value, must be >= 0${option === 'FREQ' ? ' and <= 255' : ''}`);
        return undefined;
      }
      options[option === 'FREQ' ? 'frequency' : 'idleSeconds'] = value;
    } else {
      client.reply.error(SYNTAX);
      return undefined;
    }
  }
  return options;
}

function restore(client: Client, args: readonly string[]): Walk | undefined {
  const { db, node, reply } = client;
  const { codec } = client.server.host;
  const key = args[1]!;
  const options = restoreOptions(client, args);
  if (options === undefined) return undefined;
  if (!options.replace && db.peek(key) !== undefined) {
    reply.error('BUSYKEY Target key name already exists.');
    return undefined;
  }
  const ttl = integerArg(client, args[2]!);
  if (ttl === undefined) return undefined;
  if (ttl < 0) {
    reply.error('ERR Invalid TTL value, must be >= 0');
    return undefined;
  }
  if (codec === undefined) {
    reply.error('ERR RESTORE is not available: the engine was started without a codec');
    return undefined;
  }
  const steps = codec.deserializeInSteps(args[3]!, node.encodingLimits);
  return asNeeded(args[3]!.length / BYTES_A_STEP, restoreFrom(client, args, options, ttl, steps));
}

/** Bytes of a payload that are restored in the time of an element of a collection, or less. */
const BYTES_A_STEP = 16;

function* restoreFrom(
  client: Client,
  args: readonly string[],
  options: RestoreOptions,
  ttl: number,
  steps: Generator<void, Value | undefined>,
): Walk {
  const { db, node, reply } = client;
  const key = args[1]!;
  const value = yield* steps;
  if (value === undefined) {
    reply.error('ERR DUMP payload version or checksum are wrong');
    return;
  }
  const expireAt = options.absolute ? ttl : ttl + clock.now;
  // As in Redis, a time beyond 64 bits comes round to one long ago.
  const past = expireAt <= clock.now || (!options.absolute && expireAt >= 2 ** 63);
  if (ttl > 0 && past && !node.replaying) {
    // What would have expired already is not made, but what it replaces goes.
    if (makeRoom(client, key)) node.propagate(db.index, ['DEL', key]);
    reply.ok();
    return;
  }
  db.remove(key);
  db.replace(key, value);
  if (ttl > 0) db.expireAt(key, expireAt);
  if (options.idleSeconds !== undefined) setIdle(node, db, key, options.idleSeconds);
  if (options.frequency !== undefined) setFrequency(node, db, key, options.frequency);
  changed(client, 'g', 'restore', key);
  node.propagate(db.index, ['RESTORE', key, ttl > 0 ? String(expireAt) : '0', args[3]!, 'REPLACE', 'ABSTTL']);
  reply.ok();
}

const row = (
  name: string,
  arity: number,
  flags: string,
  group: string,
  since: string,
  summary: string,
  run: Run,
  keys: KeySpec = [2, 2, 1],
): CommandSpec => ({ name, arity, flags, keys, group, since, summary, run });

/** With less than this in it MEMORY DOCTOR says nothing of a node. */
const LITTLE_BYTES = 5 * 1024 * 1024;
const LITTLE_USED =
  "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our programming as soon as I finished rebooting.\n";
const NO_ISSUES =
  "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n";

/** A subcommand of MEMORY that is about the whole node. */
const ofNode = (name: string, summary: string, run: Run): CommandSpec => ({
  name,
  arity: 2,
  flags: '',
  group: 'server',
  since: '4.0.0',
  summary,
  run,
});

/** RESTORE, and what moves keys between the nodes of a cluster: here both do the same. */
const restoring = (name: string, flags: string, group: string, since: string, summary: string): CommandSpec => ({
  ...row(name, -4, flags, group, since, summary, restore, [1, 1, 1]),
  acl: 'keyspace dangerous',
});

export const objectCommands: readonly CommandSpec[] = [
  {
    name: 'object',
    arity: -2,
    flags: '',
    group: 'generic',
    since: '2.2.3',
    summary: 'A container for object introspection commands.',
    subcommands: [
      row(
        'encoding',
        3,
        'readonly',
        'generic',
        '2.2.3',
        'Returns the internal encoding of an object.',
        about((client, _, value) => client.reply.bulk(encodingOf(value, client.node))),
      ),
      row(
        'refcount',
        3,
        'readonly',
        'generic',
        '2.2.3',
        'Returns the reference count of a value.',
        about(({ node, reply }, _, value) => reply.integer(referencesOf(value, node))),
      ),
      row('idletime', 3, 'readonly', 'generic', '2.2.3', 'Returns the time since the last access.', about(idleTime)),
      row('freq', 3, 'readonly', 'generic', '4.0.0', 'Returns the logarithmic access frequency.', about(freq)),
    ],
  },
  {
    name: 'memory',
    arity: -2,
    flags: '',
    group: 'server',
    since: '4.0.0',
    summary: 'A container for memory diagnostics commands.',
    subcommands: [
      row('usage', -3, 'readonly', 'server', '4.0.0', 'Estimates the memory usage of a key.', memoryUsage),
      ofNode('stats', 'Returns details about memory usage.', memoryStats),
      ofNode('doctor', 'Outputs a memory problems report.', ({ node, reply }) =>
        reply.verbatim(node.usedBytes < LITTLE_BYTES ? LITTLE_USED : NO_ISSUES),
      ),
      ofNode('malloc-stats', "Returns the allocator's statistics.", ({ reply }) =>
        reply.bulk('Stats not supported for the current allocator'),
      ),
      ofNode('purge', 'Asks the allocator to release memory.', ({ reply }) => reply.ok()),
    ],
  },
  row('dump', 2, 'readonly', 'generic', '2.6.0', 'Returns a serialized representation of a value.', dump, [1, 1, 1]),
  restoring('restore', 'write denyoom', 'generic', '2.6.0', 'Creates a key from a serialized value.'),
  restoring('restore-asking', 'write denyoom asking', 'server', '3.0.0', 'Creates a key while its slot is moving.'),
];
