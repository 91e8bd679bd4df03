import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { byName } from '../keyspace/stream-group.ts';
import type { Pending, StreamGroup } from '../keyspace/stream-group.ts';
import { formatId } from '../keyspace/stream-id.ts';
import type { StreamId } from '../keyspace/stream-id.ts';
import { noGroup, SYNTAX } from '../protocol/errors.ts';
import { integerArg, readAs } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { endArg, startArg } from './stream-arguments.ts';
import { streamRow } from './rows.ts';
import { asNeeded, each } from './walk.ts';
import type { Walk } from './walk.ts';

/** XPENDING with a range. */
interface Extent {
  readonly minIdle: number;
  readonly start: StreamId;
  readonly end: StreamId;
  readonly count: number;
  readonly consumer: string | undefined;
}

function extentArgs(client: Client, args: readonly string[]): Extent | undefined {
  let at = 3;
  let minIdle = 0;
  if (args[3]!.toUpperCase() === 'IDLE') {
    const idle = integerArg(client, args[4]!);
    if (idle === undefined) return undefined;
    if (args.length < 8) {
      client.reply.error(SYNTAX);
      return undefined;
    }
    minIdle = idle;
    at = 5;
  }
  const count = integerArg(client, args[at + 2]!);
  if (count === undefined) return undefined;
  const start = startArg(client, args[at]!);
  if (start === undefined) return undefined;
  const end = endArg(client, args[at + 1]!);
  return end === undefined ? undefined : { minIdle, start, end, count: Math.max(0, count), consumer: args[at + 3] };
}

function writeSummary({ reply }: Client, { pending, consumers }: StreamGroup): void {
  reply.array(4);
  reply.integer(pending.size);
  if (pending.size === 0) {
    reply.null();
    reply.null();
    reply.nullArray();
    return;
  }
  reply.bulk(formatId(pending.first()!));
  reply.bulk(formatId(pending.last()!));
  const busy = byName(consumers).filter(([, consumer]) => consumer.pending.size > 0);
  reply.array(busy.length);
  for (const [name, consumer] of busy) reply.bulks([name, String(consumer.pending.size)]);
}

function* writeExtent({ reply }: Client, group: StreamGroup, extent: Extent): Walk {
  const { minIdle, start, end, count, consumer: name } = extent;
  const list = name === undefined ? group.pending : group.consumers.get(name)?.pending;
  const found: (readonly [StreamId, Pending])[] = [];
  const now = clock.now;
  if (list !== undefined && count > 0) {
    yield* each(list.from(start), (entry) => {
      if (entry[0] > end) return false;
      return (minIdle !== 0 && now - entry[1].deliveredAtMs < minIdle) || found.push(entry) < count;
    });
  }
  reply.array(found.length);
  yield* each(found, ([id, { consumer, deliveredAtMs, deliveries }]) => {
    reply.array(4);
    reply.bulk(formatId(id));
    reply.bulk(consumer.name);
    reply.integer(Math.max(0, now - deliveredAtMs));
    reply.integer(deliveries);
  });
}

function pending(client: Client, args: readonly string[]): Walk | undefined {
  const { reply } = client;
  if (args.length !== 3 && (args.length < 6 || args.length > 9)) {
    reply.error(SYNTAX);
    return undefined;
  }
  const extent = args.length === 3 ? undefined : extentArgs(client, args);
  if (extent === undefined && args.length !== 3) return undefined;
  const stream = readAs(client, args[1]!, 'stream');
  if (stream === null) return undefined;
  const group = stream?.groups?.get(args[2]!);
  if (group === undefined) reply.error(noGroup(args[1]!, args[2]!));
  else if (extent === undefined) writeSummary(client, group);
  else return asNeeded(group.pending.size, writeExtent(client, group, extent));
  return undefined;
}

export const streamPendingCommands: readonly CommandSpec[] = [
  streamRow('xpending', -3, 'readonly', '5.0.0', 'Returns the pending entries of a consumer group.', pending),
];
