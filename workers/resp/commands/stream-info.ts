import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { byName, partsOf } from '../keyspace/stream-group.ts';
import type { Pending, StreamGroup } from '../keyspace/stream-group.ts';
import { formatId, MAX_ID, MIN_ID } from '../keyspace/stream-id.ts';
import type { StreamId } from '../keyspace/stream-id.ts';
import { lagOf } from '../keyspace/stream-progress.ts';
import type { StreamValue } from '../keyspace/stream-value.ts';
import { noGroupOf, NO_SUCH_KEY, wrongSubcommand } from '../protocol/errors.ts';
import { integerArg, readAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { entriesInSteps, entriesOf, writeEntry, writeInSteps } from './stream-arguments.ts';
import { help } from './stream-groups.ts';
import { streamRow } from './rows.ts';
import { asNeeded, each, WINDOW } from './walk.ts';
import type { Walk } from './walk.ts';

/** A field of a reply: its name and what writes its value. */
type Field = readonly [name: string, value: string | number | undefined | (() => Walk)];

function* writeFields({ reply }: Client, fields: readonly Field[]): Walk {
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulk(name);
    if (typeof value === 'function') yield* value();
    else if (typeof value === 'number') reply.integer(value);
    else reply.bulkOrNull(value);
  }
}

/** Writes a list of items, each with `write`. */
function* writeList<T>({ reply }: Client, items: readonly T[], write: (item: T) => Walk): Walk {
  reply.array(items.length);
  for (const [i, item] of items.entries()) {
    yield* write(item);
    if (i % WINDOW === WINDOW - 1) yield;
  }
}

/** A subcommand about a stream that must be there. */
function aboutStream(run: (client: Client, args: readonly string[], stream: StreamValue) => Walk): Run {
  return (client, args) => {
    const stream = readAs(client, args[2]!, 'stream');
    if (stream === null) return undefined;
    if (stream !== undefined) return asNeeded(partsOf(stream), run(client, args, stream));
    client.reply.error(NO_SUCH_KEY);
    return undefined;
  };
}

/** COUNT of `XINFO STREAM key FULL [COUNT n]`: undefined when not FULL, null when wrong (the error was sent). */
function fullCount(client: Client, args: readonly string[]): number | undefined | null {
  if (args.length === 3) return undefined;
  const isFull = args[3]!.toUpperCase() === 'FULL' && (args.length === 4 || args.length === 6);
  if (!isFull || (args.length === 6 && args[4]!.toUpperCase() !== 'COUNT')) {
    client.reply.error(wrongSubcommand('XINFO', args[1]!));
    return null;
  }
  if (args.length === 4) return 10;
  const count = integerArg(client, args[5]!);
  if (count === undefined) return null;
  return count < 0 ? 10 : count;
}

const describeStream = aboutStream(function* (client, args, stream) {
  const { reply } = client;
  const count = fullCount(client, args);
  if (count === null) return;
  const edge = (reverse: boolean) =>
    // oxlint-disable-next-line require-yield -- it is one field among others.
    function* (): Walk {
      const [record] = entriesOf(stream, MIN_ID, MAX_ID, 1, reverse);
      if (record === undefined) reply.null();
      else writeEntry(reply, record);
    };
  const common: Field[] = [
    ['length', stream.size],
    ['radix-tree-keys', stream.blocks.length],
    // The tree of a real server has about one node more than it has blocks.
    ['radix-tree-nodes', stream.blocks.length + 1],
    ['last-generated-id', formatId(stream.lastId)],
    ['max-deleted-entry-id', formatId(stream.maxDeletedId)],
    ['entries-added', stream.entriesAdded],
    ['recorded-first-entry-id', formatId(stream.firstId)],
  ];
  if (count === undefined) {
    yield* writeFields(client, [
      ...common,
      ['groups', stream.groups?.size ?? 0],
      ['first-entry', edge(false)],
      ['last-entry', edge(true)],
    ]);
    return;
  }
  const entries = yield* entriesInSteps(stream, MIN_ID, MAX_ID, count);
  yield* writeFields(client, [
    ...common,
    ['entries', () => writeInSteps(reply, entries)],
    [
      'groups',
      () => writeList(client, byName(stream.groups), ([name, g]) => writeGroup(client, stream, name, g, count)),
    ],
  ]);
});

/** Writes the first `count` of what is pending, or all when that is 0. */
function* writePending(
  { reply }: Client,
  list: StreamGroup['pending'],
  count: number,
  write: (id: StreamId, pending: Pending) => void,
): Walk {
  const size = count === 0 ? list.size : Math.min(list.size, count);
  reply.array(size);
  let left = size;
  yield* each(list.from(MIN_ID), ([id, pending]) => {
    write(id, pending);
    return --left > 0;
  });
}

/** A group as `XINFO STREAM FULL` shows it. */
function writeGroup(client: Client, stream: StreamValue, name: string, group: StreamGroup, count: number): Walk {
  const { reply } = client;
  return writeFields(client, [
    ['name', name],
    ['last-delivered-id', formatId(group.lastId)],
    ['entries-read', entriesRead(group)],
    ['lag', lagOf(stream, group)],
    ['pel-count', group.pending.size],
    [
      'pending',
      () =>
        writePending(client, group.pending, count, (id, { consumer, deliveredAtMs, deliveries }) => {
          reply.array(4);
          reply.bulk(formatId(id));
          reply.bulk(consumer.name);
          reply.integer(deliveredAtMs);
          reply.integer(deliveries);
        }),
    ],
    ['consumers', () => writeConsumers(client, group, count)],
  ]);
}

function writeConsumers(client: Client, group: StreamGroup, count: number): Walk {
  const { reply } = client;
  return writeList(client, byName(group.consumers), ([name, { seenAtMs, activeAtMs, pending }]) =>
    writeFields(client, [
      ['name', name],
      ['seen-time', seenAtMs],
      ['active-time', activeAtMs],
      ['pel-count', pending.size],
      [
        'pending',
        () =>
          writePending(client, pending, count, (id, { deliveredAtMs, deliveries }) => {
            reply.array(3);
            reply.bulk(formatId(id));
            reply.integer(deliveredAtMs);
            reply.integer(deliveries);
          }),
      ],
    ]),
  );
}

function entriesRead(group: StreamGroup): number | undefined {
  return group.entriesRead === -1 ? undefined : group.entriesRead;
}

const describeGroups = aboutStream(function* (client, _, stream) {
  yield* writeList(client, byName(stream.groups), ([name, group]) =>
    writeFields(client, [
      ['name', name],
      ['consumers', group.consumers.size],
      ['pending', group.pending.size],
      ['last-delivered-id', formatId(group.lastId)],
      ['entries-read', entriesRead(group)],
      ['lag', lagOf(stream, group)],
    ]),
  );
});

const describeConsumers = aboutStream(function* (client, args, stream) {
  const group = stream.groups?.get(args[3]!);
  if (group === undefined) {
    client.reply.error(noGroupOf(args[2]!, args[3]!));
    return;
  }
  yield* writeList(client, byName(group.consumers), ([name, { pending, seenAtMs, activeAtMs }]) =>
    writeFields(client, [
      ['name', name],
      ['pending', pending.size],
      ['idle', Math.max(0, clock.now - seenAtMs)],
      ['inactive', activeAtMs === -1 ? -1 : clock.now - activeAtMs],
    ]),
  );
});

const HELP = [
  'XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CONSUMERS <key> <groupname>',
  '    Show consumers of <groupname>.',
  'GROUPS <key>',
  '    Show the stream consumer groups.',
  'STREAM <key> [FULL [COUNT <count>]',
  '    Show information about the stream.',
  'HELP',
  '    Print this help.',
];

const sub = (name: string, arity: number, summary: string, run: Run): CommandSpec =>
  streamRow(name, arity, 'readonly', '5.0.0', summary, run, [2, 2, 1]);

export const streamInfoCommands: readonly CommandSpec[] = [
  {
    ...streamRow('xinfo', -2, '', '5.0.0', 'A container for stream introspection.', () => undefined, [0, 0, 0]),
    subcommands: [
      sub('stream', -3, 'Returns information about a stream.', describeStream),
      sub('groups', 3, 'Returns a list of the consumer groups of a stream.', describeGroups),
      sub('consumers', 4, 'Returns a list of the consumers in a consumer group.', describeConsumers),
      streamRow('help', 2, 'loading stale', '5.0.0', 'Returns helpful text.', help(HELP), [0, 0, 0]),
    ],
  },
];
