import { block } from '../clients/blocking.ts';
import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { typeOf } from '../keyspace/value.ts';
import type { Value } from '../keyspace/value.ts';
import type { StreamId } from '../keyspace/stream-id.ts';
import { formatId, MAX_ID, MIN_ID, nextId } from '../keyspace/stream-id.ts';
import { idOfRecord, wordsOf } from '../keyspace/stream-record.ts';
import type { StreamRecord } from '../keyspace/stream-record.ts';
import { assign } from '../keyspace/stream-group.ts';
import type { Consumer } from '../keyspace/stream-group.ts';
import { advance } from '../keyspace/stream-progress.ts';
import type { StreamValue } from '../keyspace/stream-value.ts';
import { noGroup, WRONG_TYPE } from '../protocol/errors.ts';
import { ofType } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { entriesInSteps, idArg, writeInSteps } from './stream-arguments.ts';
import { Claims, consumerOf, propagatePosition } from './stream-effects.ts';
import type { GroupAt } from './stream-effects.ts';
import { readOptions, streamKeys } from './stream-read-options.ts';
import type { ReadOptions } from './stream-read-options.ts';
import { streamRow } from './rows.ts';
import { asNeeded, carryOut, each, WINDOW } from './walk.ts';
import { atOnce } from '../keyspace/steps.ts';
import type { Walk } from './walk.ts';

/** What one key is read for: the entries after an ID, or without one what is new to the group. */
interface Source {
  readonly key: string;
  readonly after: StreamId | undefined;
  /** Entries of the stream when the request came, as the most that can be read from it. */
  readonly size: number;
}

/** What XREADGROUP sends as `>`, resolved against the keyspace; undefined when it can't be served (the error was sent). */
function sourcesOf(client: Client, args: readonly string[], options: ReadOptions): Source[] | undefined {
  const { db, reply } = client;
  const count = (args.length - options.keysAt) / 2;
  const sources: Source[] = [];
  for (let i = 0; i < count; i++) {
    const key = args[options.keysAt + i]!;
    const word = args[options.keysAt + count + i]!;
    const stream = ofType(client, db.read(key), 'stream');
    if (stream === null) return undefined;
    if (options.group !== undefined && stream?.groups?.has(options.group.name) !== true) {
      reply.error(noGroup(key, options.group.name, IN_READ));
      return undefined;
    }
    const size = stream?.size ?? 0;
    if (word === '$' || word === '>') {
      const refusal = meaningless(word, options);
      if (refusal !== undefined) {
        reply.error(refusal);
        return undefined;
      }
      sources.push({ key, after: word === '>' ? undefined : (stream?.lastId ?? MIN_ID), size });
      continue;
    }
    const after = idArg(client, word);
    if (after === undefined) return undefined;
    sources.push({ key, after: options.group !== undefined && after === MAX_ID ? undefined : after, size });
  }
  return sources;
}

const IN_READ = ' in XREADGROUP with GROUP option';

function meaningless(word: '$' | '>', { group }: ReadOptions): string | undefined {
  if (word === '$' && group !== undefined) {
    return 'ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.';
  }
  if (word === '>' && group === undefined) {
    return 'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.';
  }
  return undefined;
}

/** A key that has something, and what writes it. */
interface Found {
  readonly key: string;
  readonly write: () => Walk;
}

/** Writes the replies of keys that have something, as one list; says whether there were any. */
function* replyStreams(client: Client, found: readonly Found[]): Generator<void, boolean> {
  const { reply } = client;
  if (found.length === 0) return false;
  if (reply.resp3) reply.map(found.length);
  else reply.array(found.length);
  for (const { key, write } of found) {
    if (!reply.resp3) reply.array(2);
    reply.bulk(key);
    yield* write();
  }
  return true;
}

/** Serves XREAD from what is there now; false when there is nothing. */
function* readNow(
  client: Client,
  sources: readonly Source[],
  { count }: ReadOptions,
  waited: boolean,
): Generator<void, boolean> {
  const { db } = client;
  const found: Found[] = [];
  for (const { key, after } of sources) {
    // Redis looks each key up again after its IDs were read, so that a miss counts twice, and only the one that woke a reader.
    const stream = ofType(client, waited ? db.peek(key) : db.read(key), 'stream');
    if (stream === null) return true;
    if (stream === undefined || stream.size === 0 || after === undefined || stream.lastEntryId <= after) continue;
    const records = yield* entriesInSteps(stream, nextId(after)!, MAX_ID, count);
    found.push({ key, write: () => writeInSteps(client.reply, records) });
  }
  return yield* replyStreams(client, found);
}

/** Delivers entries to a consumer: the group's position moves on, and unless NOACK was given they are pending from now on. */
function* deliver(
  client: Client,
  at: GroupAt,
  consumer: Consumer,
  records: readonly StreamRecord[],
  noAck: boolean,
): Walk {
  const { stream, group } = at;
  const claims = new Claims(client, at);
  const now = clock.now;
  let moved = false;
  yield* each(records, (record) => {
    const id = idOfRecord(record);
    if (id > group.lastId) {
      advance(stream, group, id);
      moved = true;
    }
    if (noAck) return;
    const pending = assign(stream, group, id, consumer, now);
    pending.deliveredAtMs = now;
    pending.deliveries = 1;
    consumer.activeAtMs = now;
    claims.add(id, pending);
  });
  claims.end();
  if (moved) propagatePosition(client, at);
}

/** An entry that is pending; without its record when it was deleted meanwhile. */
interface Delivered {
  readonly id: StreamId;
  readonly record: StreamRecord | undefined;
}

/** What a consumer has pending after an ID, which counts as delivering it again. */
function* redeliver(
  client: Client,
  at: GroupAt,
  consumer: Consumer,
  after: StreamId,
  count: number,
): Generator<void, Delivered[]> {
  const found: Delivered[] = [];
  const claims = new Claims(client, at);
  const now = clock.now;
  yield* each(consumer.pending.from(nextId(after)!), ([id, pending]) => {
    const record = at.stream.get(id);
    if (record !== undefined) {
      pending.deliveredAtMs = now;
      pending.deliveries++;
      claims.add(id, pending);
    }
    return found.push({ id, record }) !== count;
  });
  claims.end();
  return found;
}

function* writeHistory({ reply }: Client, found: readonly Delivered[]): Walk {
  reply.array(found.length);
  yield* each(found, ({ id, record }) => {
    reply.array(2);
    reply.bulk(formatId(id));
    if (record === undefined) reply.nullArray();
    else reply.bulks(wordsOf(record));
  });
}

/** Serves XREADGROUP from what is there now; false when there is nothing. An error counts as served. */
function* readGroupNow(client: Client, sources: readonly Source[], options: ReadOptions): Generator<void, boolean> {
  const { db, reply } = client;
  const { name, consumer: consumerName } = options.group!;
  const streams: (GroupAt & { after: Source['after'] })[] = [];
  for (const { key, after } of sources) {
    const value = db.write(key);
    if (value !== undefined && typeOf(value) !== 'stream') {
      reply.error(WRONG_TYPE);
      return true;
    }
    const stream = value as StreamValue | undefined;
    const group = stream?.groups?.get(name);
    if (stream === undefined || group === undefined) {
      reply.error(noGroup(key, name, IN_READ));
      return true;
    }
    streams.push({ key, stream, name, group, after });
  }
  const found: Found[] = [];
  for (const at of streams) {
    const { key, stream, group, after } = at;
    const consumer = consumerOf(client, at, consumerName);
    if (after !== undefined) {
      const entries = yield* redeliver(client, at, consumer, after, options.count);
      found.push({ key, write: () => writeHistory(client, entries) });
    } else if (stream.size > 0 && stream.lastEntryId > group.lastId) {
      const records = yield* entriesInSteps(stream, nextId(group.lastId)!, MAX_ID, options.count);
      yield* deliver(client, at, consumer, records, options.noAck);
      found.push({ key, write: () => writeInSteps(reply, records) });
    }
  }
  const served = yield* replyStreams(client, found);
  for (const { stream } of streams) db.recount(stream);
  return served;
}

function isStream(value: Value | undefined): boolean {
  return value !== undefined && typeOf(value) === 'stream';
}

function* readOrWait(client: Client, sources: readonly Source[], options: ReadOptions): Walk {
  const { reply } = client;
  const steps: typeof readNow = options.group === undefined ? readNow : readGroupNow;
  if (yield* steps(client, sources, options, false)) return;
  if (options.blockMs === undefined || !client.mayBlock) {
    reply.nullArray();
    return;
  }
  const keys = sources.map(({ key }) => key);
  const endsWhenRemoved = options.group !== undefined;
  const wakes = (key: string): boolean => endsWhenRemoved || isStream(client.db.peek(key));
  block(client, keys, options.blockMs, {
    serve: (key) => wakes(key) && serveWaiting(client, sources, options, steps(client, sources, options, true)),
    timedOut: () => reply.nullArray(),
    endsWhenRemoved,
  });
}

/** Serves a client that has waited, and says whether there was something; very much is delivered in steps, as `client.pending` tells. */
function serveWaiting(
  client: Client,
  sources: readonly Source[],
  options: ReadOptions,
  steps: Generator<void, boolean>,
): boolean {
  if (newsFor(client, sources, options) <= WINDOW) return atOnce(steps);
  carryOut(client, whole(steps), () => undefined);
  return true;
}

function* whole(steps: Generator<void, boolean>): Walk {
  yield* steps;
}

/** How many entries there may be for one who waits, and certainly some; 0 when there are none, or an error is what it gets. */
function newsFor({ db }: Client, sources: readonly Source[], { group, count }: ReadOptions): number {
  let most = 0;
  for (const { key, after } of sources) {
    const stream = db.peek(key);
    if (stream === undefined || typeof stream === 'string' || stream.kind !== 'stream') return 0;
    const last = group === undefined ? after : stream.groups?.get(group.name)?.lastId;
    if (last === undefined) return 0;
    if (stream.size > 0 && stream.lastEntryId > last) most = Math.max(most, stream.size);
  }
  return count === 0 ? most : Math.min(most, count);
}

/** XREAD and XREADGROUP. */
function read(name: 'xread' | 'xreadgroup'): Run {
  return (client, args) => {
    const options = readOptions(client, args, name);
    if (options === undefined) return undefined;
    const sources = sourcesOf(client, args, options);
    if (sources === undefined) return undefined;
    const most = sources.reduce((max, { size }) => Math.max(max, size), 0);
    return asNeeded(options.count === 0 ? most : Math.min(most, options.count), readOrWait(client, sources, options));
  };
}

export const streamReadCommands: readonly CommandSpec[] = [
  streamRow(
    'xread',
    -4,
    'readonly blocking',
    '5.0.0',
    'Returns messages from multiple streams, or waits for them.',
    read('xread'),
    streamKeys,
  ),
  streamRow(
    'xreadgroup',
    -7,
    'write blocking',
    '5.0.0',
    'Returns new or historical messages of a consumer, or waits for them.',
    read('xreadgroup'),
    streamKeys,
  ),
];
