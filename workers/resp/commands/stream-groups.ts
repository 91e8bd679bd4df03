import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { addConsumer, addGroup, release, removeConsumer, removeGroup } from '../keyspace/stream-group.ts';
import type { Consumer, StreamGroup } from '../keyspace/stream-group.ts';
import { MIN_ID } from '../keyspace/stream-id.ts';
import { StreamValue } from '../keyspace/stream-value.ts';
import { noGroupOf, wrongSubcommand } from '../protocol/errors.ts';
import { changed, integerArg, readToWrite, writeAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { edgeIdArg, idArg, idArgs } from './stream-arguments.ts';
import { streamRow } from './rows.ts';
import { signalStream } from './streams.ts';
import { asNeeded, each } from './walk.ts';
import type { Walk } from './walk.ts';

const NO_KEY =
  'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.';

interface PositionOptions {
  makeStream: boolean;
  entriesRead: number;
}

/** Reads the options of CREATE and SETID; undefined when they are wrong (the error was sent). */
function positionOptions(client: Client, args: readonly string[], create: boolean): PositionOptions | undefined {
  const options: PositionOptions = { makeStream: false, entriesRead: -1 };
  for (let at = 5; at < args.length;) {
    const word = args[at]!.toUpperCase();
    if (create && word === 'MKSTREAM') {
      options.makeStream = true;
      at++;
    } else if (word === 'ENTRIESREAD' && at + 1 < args.length) {
      const entriesRead = integerArg(client, args[at + 1]!);
      if (entriesRead === undefined) return undefined;
      if (entriesRead < -1) {
        client.reply.error('ERR value for ENTRIESREAD must be positive or -1');
        return undefined;
      }
      options.entriesRead = entriesRead;
      at += 2;
    } else {
      client.reply.error(wrongSubcommand('XGROUP', args[1]!));
      return undefined;
    }
  }
  return options;
}

function create(client: Client, args: readonly string[]): void {
  const { db, reply } = client;
  const [, , key, name, position] = args as readonly [string, string, string, string, string];
  const options = positionOptions(client, args, true);
  if (options === undefined) return;
  const existing = writeAs(client, key, 'stream');
  if (existing === null) return;
  if (existing === undefined && !options.makeStream) {
    reply.error(NO_KEY);
    return;
  }
  if (args.length > 8) {
    reply.error(wrongSubcommand('XGROUP', args[1]!));
    return;
  }
  const id = position === '$' ? (existing?.lastId ?? MIN_ID) : idArg(client, position);
  if (id === undefined) return;
  const stream = existing ?? new StreamValue();
  if (stream.groups?.has(name) === true) {
    reply.error('BUSYGROUP Consumer Group name already exists');
    return;
  }
  addGroup(stream, name, id, options.entriesRead);
  if (existing === undefined) db.put(key, stream);
  else db.recount(stream);
  changed(client, 't', 'xgroup-create', key);
  reply.ok();
}

/** A subcommand about a group that must be there. */
function aboutGroup(
  run: (client: Client, args: readonly string[], stream: StreamValue, group: StreamGroup) => Walk | undefined | void,
): Run {
  return (client, args) => {
    const stream = writeAs(client, args[2]!, 'stream');
    if (stream === null) return undefined;
    const group = stream?.groups?.get(args[3]!);
    if (stream !== undefined && group !== undefined) return run(client, args, stream, group);
    client.reply.error(stream === undefined ? NO_KEY : noGroupOf(args[2]!, args[3]!));
    return undefined;
  };
}

function setId(client: Client, args: readonly string[]): void {
  const options = positionOptions(client, args, false);
  if (options === undefined) return;
  const run = aboutGroup((_, __, stream, group) => {
    if (args.length !== 5 && args.length !== 7) {
      client.reply.error(wrongSubcommand('XGROUP', args[1]!));
      return;
    }
    const id = args[4] === '$' ? stream.lastId : edgeIdArg(client, args[4]!);
    if (id === undefined) return;
    group.lastId = id;
    group.entriesRead = options.entriesRead;
    changed(client, 't', 'xgroup-setid', args[2]!);
    client.reply.ok();
  });
  run(client, args);
}

function destroy(client: Client, args: readonly string[]): void {
  const { db, reply } = client;
  const stream = writeAs(client, args[2]!, 'stream');
  if (stream === null) return;
  if (stream === undefined) {
    reply.error(NO_KEY);
    return;
  }
  const removed = removeGroup(stream, args[3]!);
  if (removed) {
    db.recount(stream);
    changed(client, 't', 'xgroup-destroy', args[2]!);
    signalStream(client, args[2]!);
  }
  reply.integer(removed ? 1 : 0);
}

const createConsumer = aboutGroup((client, args, stream, group) => {
  const isNew = !group.consumers.has(args[4]!);
  if (isNew) {
    addConsumer(stream, group, args[4]!, clock.now);
    client.db.recount(stream);
    changed(client, 't', 'xgroup-createconsumer', args[2]!);
  }
  client.reply.integer(isNew ? 1 : 0);
});

const deleteConsumer = aboutGroup((client, args, stream, group) => {
  const consumer = group.consumers.get(args[4]!);
  if (consumer !== undefined) return asNeeded(consumer.pending.size, remove(consumer));
  client.reply.integer(0);
  return undefined;
  function* remove(leaving: Consumer): Walk {
    const { pending } = leaving;
    yield* each(pending.from(MIN_ID), ([id]) => void group.pending.delete(id));
    removeConsumer(stream, group, leaving);
    client.db.recount(stream);
    changed(client, 't', 'xgroup-delconsumer', args[2]!);
    client.reply.integer(pending.size);
  }
});

function acknowledge(client: Client, args: readonly string[]): Walk | undefined {
  const { db, node, reply } = client;
  const stream = readToWrite(client, args[1]!, 'stream');
  if (stream === null) return undefined;
  const group = stream?.groups?.get(args[2]!);
  if (stream !== undefined && group !== undefined) return asNeeded(args.length, releaseAll(stream, group));
  reply.integer(0);
  return undefined;
  function* releaseAll(from: StreamValue, readers: StreamGroup): Walk {
    const ids = yield* idArgs(client, args, 3);
    if (ids === undefined) return;
    let released = 0;
    yield* each(ids, (id) => {
      if (release(from, readers, id)) released++;
    });
    db.recount(from);
    node.dirty += released;
    reply.integer(released);
  }
}

const HELP = [
  'XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CREATE <key> <groupname> <id|$> [option]',
  '    Create a new consumer group. Options are:',
  '    * MKSTREAM',
  '      Create the empty stream if it does not exist.',
  '    * ENTRIESREAD entries_read',
  "      Set the group's entries_read counter (internal use).",
  'CREATECONSUMER <key> <groupname> <consumer>',
  '    Create a new consumer in the specified group.',
  'DELCONSUMER <key> <groupname> <consumer>',
  '    Remove the specified consumer.',
  'DESTROY <key> <groupname>',
  '    Remove the specified group.',
  'SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]',
  '    Set the current group ID and entries_read counter.',
  'HELP',
  '    Print this help.',
];

/** Replies with the lines of a HELP subcommand. */
export function help(lines: readonly string[]): Run {
  return ({ reply }) => {
    reply.array(lines.length);
    for (const line of lines) reply.simple(line);
  };
}

const sub = (name: string, arity: number, flags: string, since: string, summary: string, run: Run): CommandSpec =>
  streamRow(name, arity, flags, since, summary, run, [2, 2, 1]);

export const streamGroupCommands: readonly CommandSpec[] = [
  {
    ...streamRow('xgroup', -2, '', '5.0.0', 'A container for consumer groups commands.', () => undefined, [0, 0, 0]),
    subcommands: [
      sub('create', -5, 'write denyoom', '5.0.0', 'Creates a consumer group.', create),
      sub('setid', -5, 'write', '5.0.0', 'Sets the last-delivered ID of a consumer group.', setId),
      sub('destroy', 4, 'write', '5.0.0', 'Destroys a consumer group.', destroy),
      sub('createconsumer', 5, 'write denyoom', '6.2.0', 'Creates a consumer in a consumer group.', createConsumer),
      sub('delconsumer', 5, 'write', '5.0.0', 'Deletes a consumer from a consumer group.', deleteConsumer),
      streamRow('help', 2, 'loading stale', '5.0.0', 'Returns helpful text.', help(HELP), [0, 0, 0]),
    ],
  },
  streamRow('xack', -4, 'write fast', '5.0.0', 'Removes messages from the pending list of a group.', acknowledge),
];
