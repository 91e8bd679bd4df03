import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { assign, move, release } from '../keyspace/stream-group.ts';
import type { Consumer, Pending, StreamGroup } from '../keyspace/stream-group.ts';
import { formatId, MIN_ID, parseId } from '../keyspace/stream-id.ts';
import type { StreamId } from '../keyspace/stream-id.ts';
import type { StreamRecord } from '../keyspace/stream-record.ts';
import { cut, noGroup, SYNTAX } from '../protocol/errors.ts';
import { parseInteger } from '../protocol/numbers.ts';
import { integerArg, readToWrite } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { idArg, startArg, writeEntry } from './stream-arguments.ts';
import { Claims, consumerOf, propagatePosition } from './stream-effects.ts';
import type { GroupAt } from './stream-effects.ts';
import { streamRow } from './rows.ts';
import { asNeeded, each, WINDOW } from './walk.ts';
import type { Walk } from './walk.ts';

/** The group a claim is about; undefined when it is not there (the error was sent). */
function groupAt(client: Client, key: string, name: string): GroupAt | undefined {
  const stream = readToWrite(client, key, 'stream');
  if (stream === null) return undefined;
  const group: StreamGroup | undefined = stream?.groups?.get(name);
  if (stream !== undefined && group !== undefined) return { key, stream, name, group };
  client.reply.error(noGroup(key, name));
  return undefined;
}

interface ClaimOptions {
  deliveredAtMs: number | undefined;
  retryCount: number;
  force: boolean;
  justId: boolean;
  lastId: StreamId;
}

/** Reads what follows XCLAIM's IDs; undefined when it is wrong (the error was sent). */
function claimOptions(client: Client, args: readonly string[], from: number): ClaimOptions | undefined {
  const options: ClaimOptions = {
    deliveredAtMs: undefined,
    retryCount: -1,
    force: false,
    justId: false,
    lastId: MIN_ID,
  };
  for (let at = from; at < args.length; at++) {
    const word = args[at]!.toUpperCase();
    const value = args[at + 1];
    if (word === 'FORCE') options.force = true;
    else if (word === 'JUSTID') options.justId = true;
    else if (value !== undefined && (word === 'IDLE' || word === 'TIME' || word === 'RETRYCOUNT')) {
      const number = integerArg(client, value, `ERR Invalid ${word} option argument for XCLAIM`);
      if (number === undefined) return undefined;
      if (word === 'RETRYCOUNT') options.retryCount = number;
      else options.deliveredAtMs = word === 'IDLE' ? clock.now - number : number;
      at++;
    } else if (value !== undefined && word === 'LASTID') {
      const id = idArg(client, value);
      if (id === undefined) return undefined;
      options.lastId = id;
      at++;
    } else {
      client.reply.error(`ERR Unrecognized XCLAIM option '${cut(args[at]!, Infinity)}'`);
      return undefined;
    }
  }
  return options;
}

/** The delivery time to be set: one that makes no sense becomes now, except in a journal, where it was checked before. */
function deliveryTime(client: Client, wanted: number | undefined): number {
  if (wanted === undefined || (wanted === -1 && !client.node.replaying)) return clock.now;
  if (client.node.replaying) return wanted;
  return wanted < 0 || wanted > clock.now ? clock.now : wanted;
}

/** Takes an entry that is gone off the pending lists. */
function forget({ stream, group }: GroupAt, claims: Claims, id: StreamId, pending: Pending): void {
  claims.add(id, pending);
  release(stream, group, id);
}

/** What a claim replies of an entry. */
type Claimed = readonly [StreamId, StreamRecord];

function* writeClaimed(client: Client, claimed: readonly Claimed[], justId: boolean): Walk {
  const { reply } = client;
  reply.array(claimed.length);
  yield* each(claimed, ([id, record]) => {
    if (justId) reply.bulk(formatId(id));
    else writeEntry(reply, record);
  });
}

function claim(client: Client, args: readonly string[]): Walk | undefined {
  const at = groupAt(client, args[1]!, args[2]!);
  if (at === undefined) return undefined;
  const minIdle = integerArg(client, args[4]!, 'ERR Invalid min-idle-time argument for XCLAIM');
  return minIdle === undefined ? undefined : asNeeded(args.length, claimAll(client, args, at, minIdle));
}

function* claimAll(client: Client, args: readonly string[], at: GroupAt, minIdle: number): Walk {
  const { stream, group } = at;
  const ids: StreamId[] = [];
  for (let i = 5; i < args.length; i++) {
    const parsed = parseId(args[i]!);
    if (parsed === undefined) break;
    if (ids.push(parsed.id) % WINDOW === 0) yield;
  }
  const options = claimOptions(client, args, 5 + ids.length);
  if (options === undefined) return;
  const now = clock.now;
  let positionMoved = options.lastId > group.lastId;
  if (positionMoved) group.lastId = options.lastId;
  const deliveredAtMs = deliveryTime(client, options.deliveredAtMs);
  const consumer = consumerOf(client, at, args[3]!);
  const claimed: Claimed[] = [];
  const claims = new Claims(client, at);
  yield* each(ids, (id) => {
    const record = stream.get(id);
    const existing = group.pending.get(id);
    if (record === undefined) {
      if (existing === undefined) return;
      forget(at, claims, id, existing);
    } else {
      if (existing === undefined && !options.force) return;
      if (existing !== undefined && minIdle > 0 && now - existing.deliveredAtMs < minIdle) return;
      const pending = existing ?? assign(stream, group, id, consumer, deliveredAtMs);
      move(pending, id, consumer);
      pending.deliveredAtMs = deliveredAtMs;
      if (options.retryCount >= 0) pending.deliveries = options.retryCount;
      else if (!options.justId) pending.deliveries++;
      claimed.push([id, record]);
      consumer.activeAtMs = now;
      claims.add(id, pending);
    }
    positionMoved = false;
  });
  claims.end();
  if (positionMoved) propagatePosition(client, at);
  client.db.recount(stream);
  yield* writeClaimed(client, claimed, options.justId);
}

interface AutoClaim {
  readonly minIdle: number;
  readonly start: StreamId;
  count: number;
  justId: boolean;
}

/** How many times COUNT entries are looked at. */
const ATTEMPTS = 10;
const COUNT_MAX = Number(2n ** 63n / 16n);

function autoClaimArgs(client: Client, args: readonly string[]): AutoClaim | undefined {
  const minIdle = integerArg(client, args[4]!, 'ERR Invalid min-idle-time argument for XAUTOCLAIM');
  if (minIdle === undefined) return undefined;
  const start = startArg(client, args[5]!);
  if (start === undefined) return undefined;
  const options: AutoClaim = { minIdle, start, count: 100, justId: false };
  for (let at = 6; at < args.length; at++) {
    const word = args[at]!.toUpperCase();
    if (word === 'JUSTID') options.justId = true;
    else if (word === 'COUNT' && at + 1 < args.length) {
      const count = parseInteger(args[++at]!);
      if (count === undefined || count < 1 || count > COUNT_MAX) {
        client.reply.error('ERR COUNT must be > 0');
        return undefined;
      }
      options.count = count;
    } else {
      client.reply.error(SYNTAX);
      return undefined;
    }
  }
  return options;
}

interface AutoClaimed {
  readonly next: StreamId;
  readonly claimed: readonly Claimed[];
  readonly deleted: readonly StreamId[];
}

/** Claims what was idle long enough, from an ID on, until enough was claimed or looked at. */
function* claimFrom(client: Client, at: GroupAt, consumer: Consumer, options: AutoClaim): Generator<void, AutoClaimed> {
  const { stream, group } = at;
  const claimed: Claimed[] = [];
  const deleted: StreamId[] = [];
  const claims = new Claims(client, at);
  const now = clock.now;
  let attempts = options.count * ATTEMPTS;
  let next = MIN_ID;
  yield* each(group.pending.from(options.start), ([id, pending]) => {
    if (attempts-- === 0 || claimed.length + deleted.length === options.count) {
      next = id;
      return false;
    }
    const record = stream.get(id);
    if (record === undefined) {
      forget(at, claims, id, pending);
      deleted.push(id);
      return true;
    }
    if (options.minIdle > 0 && now - pending.deliveredAtMs < options.minIdle) return true;
    move(pending, id, consumer);
    pending.deliveredAtMs = now;
    if (!options.justId) pending.deliveries++;
    consumer.activeAtMs = now;
    claimed.push([id, record]);
    claims.add(id, pending);
    return true;
  });
  claims.end();
  return { next, claimed, deleted };
}

function autoClaim(client: Client, args: readonly string[]): Walk | undefined {
  const { db, reply } = client;
  const options = autoClaimArgs(client, args);
  if (options === undefined) {
    // Redis has looked the key up before it reads what follows, and a miss counts.
    db.look(args[1]!);
    return undefined;
  }
  const at = groupAt(client, args[1]!, args[2]!);
  if (at === undefined) return undefined;
  return asNeeded(Math.min(at.group.pending.size, options.count * ATTEMPTS), claimIdle(at, options));
  function* claimIdle(from: GroupAt, wanted: AutoClaim): Walk {
    const consumer = consumerOf(client, from, args[3]!);
    const { next, claimed, deleted } = yield* claimFrom(client, from, consumer, wanted);
    db.recount(from.stream);
    reply.array(3);
    reply.bulk(formatId(next));
    yield* writeClaimed(client, claimed, wanted.justId);
    reply.array(deleted.length);
    yield* each(deleted, (id) => reply.bulk(formatId(id)));
  }
}

export const streamClaimCommands: readonly CommandSpec[] = [
  streamRow('xclaim', -6, 'write fast', '5.0.0', 'Changes the ownership of messages in a consumer group.', claim),
  streamRow('xautoclaim', -6, 'write fast', '6.2.0', 'Claims messages that were pending for too long.', autoClaim),
];
