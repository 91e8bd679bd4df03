import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { formatId, MAX_ID, MIN_ID, msOf, nextId, parseId, streamId } from '../keyspace/stream-id.ts';
import type { StreamId } from '../keyspace/stream-id.ts';
import { StreamValue } from '../keyspace/stream-value.ts';
import { NO_SUCH_KEY, SYNTAX, wrongArity } from '../protocol/errors.ts';
import { requestInSteps } from '../protocol/request.ts';
import { cameAs } from '../protocol/as-it-came.ts';
import { recordInSteps } from '../keyspace/stream-record.ts';
import { changed, integerArg, readAs, writeAs } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { idArg, idArgs, INVALID_ID } from './stream-arguments.ts';
import { asNeeded, each } from './walk.ts';
import type { Walk } from './walk.ts';
import { streamRow } from './rows.ts';
import { exactTrim, trimHolds, trimOption, trimStream } from './stream-trim.ts';
import type { Trim, TrimOptions } from './stream-trim.ts';

/** Lets clients that wait for entries of a stream look at it. */
export function signalStream(client: Client, key: string): void {
  const { db, node } = client;
  if (db.waiting !== undefined && db.waiting.has(key)) node.keyReady(db, key);
}

interface Addition {
  readonly noCreate: boolean;
  /** Absent for `*`. */
  readonly id: { readonly id: StreamId; readonly autoSeq: boolean } | undefined;
  readonly trim: Trim | undefined;
  /** Where the fields begin. */
  readonly fieldsAt: number;
}

/** What nearly every XADD is: an ID of the server's, and no trimming. */
const PLAIN: Addition = { noCreate: false, id: undefined, trim: undefined, fieldsAt: 3 };

/** Reads what stands before XADD's fields; undefined when it is wrong (the error was sent). */
function additionArgs(client: Client, args: readonly string[]): Addition | undefined {
  if (args[2] === '*') return PLAIN;
  const options: TrimOptions = { trim: undefined, limit: undefined };
  let noCreate = false;
  let id: Addition['id'];
  let at = 2;
  for (; at < args.length && args[at] !== '*';) {
    const taken = trimOption(client, args, at, options);
    if (taken === undefined) return undefined;
    if (taken > 0) at += taken;
    else if (args[at]!.toUpperCase() === 'NOMKSTREAM') {
      noCreate = true;
      at++;
    } else {
      id = parseId(args[at]!, 0, true);
      if (id !== undefined) break;
      client.reply.error(INVALID_ID);
      return undefined;
    }
  }
  if (!trimHolds(client, options)) return undefined;
  return { noCreate, id, trim: options.trim, fieldsAt: at + 1 };
}

const EXHAUSTED = { error: 'ERR The stream has exhausted the last possible ID, unable to add more items' } as const;

/** The ID an entry gets, or why it can't have one. */
function newId({ lastId }: StreamValue, wanted: Addition['id']): StreamId | { readonly error: string } {
  if (wanted === undefined) {
    return (clock.now > msOf(lastId) ? streamId(clock.now, 0) : nextId(lastId)) ?? EXHAUSTED;
  }
  if (lastId === MAX_ID) return EXHAUSTED;
  let id: StreamId | undefined;
  if (wanted.autoSeq && wanted.id.slice(0, 8) === lastId.slice(0, 8)) {
    const next = nextId(lastId);
    id = next?.startsWith(lastId.slice(0, 8)) === true ? next : undefined;
  } else ({ id } = wanted);
  if (id !== undefined && id > lastId) return id;
  return { error: 'ERR The ID specified in XADD is equal or smaller than the target stream top item' };
}

function add(client: Client, args: readonly string[]): Walk | undefined {
  const { db, node, reply } = client;
  const key = args[1]!;
  const addition = additionArgs(client, args);
  if (addition === undefined) return undefined;
  const { fieldsAt } = addition;
  if (args.length - fieldsAt < 2 || (args.length - fieldsAt) % 2 === 1) {
    reply.error(wrongArity('xadd'));
    return undefined;
  }
  if (addition.id?.id === MIN_ID && !addition.id.autoSeq) {
    reply.error('ERR The ID specified in XADD must be greater than 0-0');
    return undefined;
  }
  const existing = writeAs(client, key, 'stream');
  if (existing === null) return undefined;
  if (existing === undefined && addition.noCreate) {
    reply.null();
    return undefined;
  }
  const stream = existing ?? new StreamValue();
  const id = newId(stream, addition.id);
  if (typeof id !== 'string') {
    reply.error(id.error);
    return undefined;
  }
  if (args.length > MANY_WORDS) return addInSteps(client, args, addition, stream, existing === undefined, id);
  stream.append(id, args, fieldsAt, node.encodingLimits);
  const effect = wasAdded(client, args, addition, stream, existing === undefined, id);
  if (effect !== undefined) node.propagate(db.index, effect);
  return undefined;
}

/** Words from which on an entry is put together in steps. */
const MANY_WORDS = 2048;

/** Replies and tells of an entry; returns what does the same again, in case that somebody wants to know. */
function wasAdded(
  client: Client,
  args: readonly string[],
  { trim, fieldsAt }: Addition,
  stream: StreamValue,
  isNew: boolean,
  id: StreamId,
): readonly string[] | undefined {
  const { db, node, reply } = client;
  const key = args[1]!;
  const text = formatId(id);
  reply.bulk(text);
  const trimmed = trim === undefined ? 0 : trimStream(stream, trim);
  if (isNew) db.put(key, stream);
  else {
    db.changed(key, stream);
    signalStream(client, key);
  }
  changed(client, 't', 'xadd', key);
  if (trimmed > 0) node.notify('t', 'xtrim', key, db.index);
  if (!node.propagates) return undefined;
  if (fieldsAt === 3) return args.with(2, text);
  const words = trim === undefined ? [] : exactTrim(stream, trim);
  return ['XADD', key, ...words, text].concat(args.slice(fieldsAt));
}

function* addInSteps(
  client: Client,
  args: readonly string[],
  addition: Addition,
  stream: StreamValue,
  isNew: boolean,
  id: StreamId,
): Walk {
  const { node, db } = client;
  const record = yield* recordInSteps(id, args, addition.fieldsAt);
  stream.append(id, args, addition.fieldsAt, node.encodingLimits, record);
  yield;
  const effect = wasAdded(client, args, addition, stream, isNew, id);
  if (effect === undefined) return;
  const bytes = yield* requestInSteps(effect);
  // The log takes it as it would have come.
  cameAs(effect, bytes, 0, bytes.length);
  node.propagate(db.index, effect);
}

function trim(client: Client, args: readonly string[]): void {
  const { db, node, reply } = client;
  const key = args[1]!;
  const options: TrimOptions = { trim: undefined, limit: undefined };
  for (let at = 2; at < args.length;) {
    const taken = trimOption(client, args, at, options);
    if (taken === undefined) return;
    if (taken === 0) {
      reply.error(SYNTAX);
      return;
    }
    at += taken;
  }
  if (options.trim === undefined && (options.limit ?? 0) === 0) {
    reply.error('ERR syntax error, XTRIM must be called with a trimming strategy');
    return;
  }
  if (!trimHolds(client, options)) return;
  const stream = writeAs(client, key, 'stream');
  if (stream === null) return;
  const removed = stream === undefined ? 0 : trimStream(stream, options.trim!);
  if (stream !== undefined && removed > 0) {
    db.changed(key, stream);
    changed(client, 't', 'xtrim', key, removed);
    node.propagate(db.index, ['XTRIM', key, ...exactTrim(stream, options.trim!)]);
  }
  reply.integer(removed);
}

function remove(client: Client, args: readonly string[]): Walk | undefined {
  const key = args[1]!;
  const stream = writeAs(client, key, 'stream');
  if (stream === null) return undefined;
  if (stream !== undefined) return asNeeded(args.length, removeAll(stream));
  client.reply.integer(0);
  return undefined;
  function* removeAll(from: StreamValue): Walk {
    const ids = yield* idArgs(client, args, 2);
    if (ids === undefined) return;
    let removed = 0;
    yield* each(ids, (id) => {
      if (!from.delete(id)) return;
      if (id > from.maxDeletedId) from.maxDeletedId = id;
      removed++;
    });
    if (removed > 0) {
      client.db.changed(key, from);
      changed(client, 't', 'xdel', key, removed);
    }
    client.reply.integer(removed);
  }
}

function length(client: Client, args: readonly string[]): void {
  const stream = readAs(client, args[1]!, 'stream');
  if (stream !== null) client.reply.integer(stream?.size ?? 0);
}

interface SetId {
  entriesAdded: number | undefined;
  maxDeletedId: StreamId;
}

function setIdOptions(client: Client, args: readonly string[], id: StreamId): SetId | undefined {
  const options: SetId = { entriesAdded: undefined, maxDeletedId: MIN_ID };
  for (let at = 3; at < args.length; at += 2) {
    const name = args[at]!.toUpperCase();
    if (name === 'ENTRIESADDED' && at + 1 < args.length) {
      options.entriesAdded = integerArg(client, args[at + 1]!);
      if (options.entriesAdded === undefined) return undefined;
      if (options.entriesAdded >= 0) continue;
      client.reply.error('ERR entries_added must be positive');
      return undefined;
    }
    if (name !== 'MAXDELETEDID' || at + 1 >= args.length) {
      client.reply.error(SYNTAX);
      return undefined;
    }
    const maxDeleted = idArg(client, args[at + 1]!);
    if (maxDeleted === undefined) return undefined;
    if (id < maxDeleted) {
      client.reply.error('ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id');
      return undefined;
    }
    options.maxDeletedId = maxDeleted;
  }
  return options;
}

/** Why a stream can't take these counters. */
function setIdRefusal(stream: StreamValue, id: StreamId, { entriesAdded }: SetId): string | undefined {
  if (id < stream.maxDeletedId) {
    return 'ERR The ID specified in XSETID is smaller than current max_deleted_entry_id';
  }
  if (stream.size === 0) return undefined;
  if (id < stream.lastEntryId) return 'ERR The ID specified in XSETID is smaller than the target stream top item';
  if (entriesAdded !== undefined && stream.size > entriesAdded) {
    return 'ERR The entries_added specified in XSETID is smaller than the target stream length';
  }
  return undefined;
}

function setId(client: Client, args: readonly string[]): void {
  const { reply } = client;
  const key = args[1]!;
  const id = idArg(client, args[2]!);
  if (id === undefined) return;
  const options = setIdOptions(client, args, id);
  if (options === undefined) return;
  const stream = writeAs(client, key, 'stream');
  if (stream === null) return;
  const refusal = stream === undefined ? NO_SUCH_KEY : setIdRefusal(stream, id, options);
  if (stream === undefined || refusal !== undefined) {
    reply.error(refusal!);
    return;
  }
  stream.lastId = id;
  if (options.entriesAdded !== undefined) stream.entriesAdded = options.entriesAdded;
  if (options.maxDeletedId !== MIN_ID) stream.maxDeletedId = options.maxDeletedId;
  changed(client, 't', 'xsetid', key);
  reply.ok();
}

const WRITE = 'write denyoom fast';

export const streamCommands: readonly CommandSpec[] = [
  streamRow('xadd', -5, WRITE, '5.0.0', 'Appends a new message to a stream.', add),
  streamRow('xtrim', -4, 'write', '5.0.0', 'Deletes messages from the beginning of a stream.', trim),
  streamRow('xdel', -3, 'write fast', '5.0.0', 'Removes messages from a stream by their IDs.', remove),
  streamRow('xlen', 2, 'readonly fast', '5.0.0', 'Returns the number of messages in a stream.', length),
  streamRow('xsetid', -3, WRITE, '5.0.0', 'An internal command for replicating stream values.', setId),
];
