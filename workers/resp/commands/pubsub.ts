import { publish, publishToShard, subscribe, subscriptionsOf, unsubscribe } from '../clients/pubsub.ts';
import type { SubscriptionKind } from '../clients/pubsub.ts';
import type { Client, Server } from '../clients/server.ts';
import { matchesChannel } from '../protocol/glob.ts';
import { wrongSubcommand } from '../protocol/errors.ts';
import type { CommandSpec, Run } from './command.ts';
import { keylessRowsOf } from './rows.ts';

/** The number in (un)subscribe replies counts channels and patterns together, shard channels apart. */
function countOf(client: Client, kind: SubscriptionKind): number {
  if (kind === 'ssubscribe') return client.shardChannels?.size ?? 0;
  return (client.channels?.size ?? 0) + (client.patterns?.size ?? 0);
}

function subscribeTo(kind: SubscriptionKind): Run {
  return (client, args) => {
    const { reply } = client;
    if (client.executing && kind === 'ssubscribe') {
      reply.error(`ERR ${kind.toUpperCase()} isn't allowed for a DENY BLOCKING client`);
      return;
    }
    for (const channel of args.slice(1)) {
      subscribe(client, kind, channel);
      reply.push(3);
      reply.bulk(kind);
      reply.bulk(channel);
      reply.integer(countOf(client, kind));
    }
  };
}

function unsubscribeFrom(kind: SubscriptionKind): Run {
  const word = kind.replace('sub', 'unsub');
  return (client, args) => {
    const { reply } = client;
    const channels: (string | undefined)[] = args.length > 1 ? args.slice(1) : subscriptionsOf(client, kind);
    if (channels.length === 0) channels.push(undefined);
    for (const channel of channels) {
      if (channel !== undefined) unsubscribe(client, kind, channel);
      reply.push(3);
      reply.bulk(word);
      reply.bulkOrNull(channel);
      reply.integer(countOf(client, kind));
    }
  };
}

function channelsOf(field: 'channels' | 'shardChannels'): Run {
  return ({ server, reply }, args) => {
    if (args.length > 3) {
      reply.error(wrongSubcommand('PUBSUB', args[1]!));
      return;
    }
    const [, , pattern] = args;
    // Not even `*` matches the empty name; without a pattern it is shown.
    const shown = [...server[field].keys()].filter((name) => pattern === undefined || matchesChannel(pattern, name));
    reply.bulks(shown);
  };
}

function subscribersOf(field: 'channels' | 'shardChannels'): Run {
  return ({ server, reply }, args) => {
    reply.array((args.length - 2) * 2);
    for (const channel of args.slice(2)) {
      reply.bulk(channel);
      reply.integer(server[field].get(channel)?.size ?? 0);
    }
  };
}

function publishBy(send: (server: Server, channel: string, message: string) => number): Run {
  return ({ server, reply }, args) => reply.integer(send(server, args[1]!, args[2]!));
}

const row = keylessRowsOf('pubsub');
const FREE = 'pubsub noscript loading stale';
const FREE_FAST = 'pubsub loading stale';

export const pubsubCommands: readonly CommandSpec[] = [
  row('subscribe', -2, FREE, '2.0.0', 'Listens for messages published to channels.', subscribeTo('subscribe')),
  row(
    'unsubscribe',
    -1,
    FREE,
    '2.0.0',
    'Stops listening to messages posted to channels.',
    unsubscribeFrom('subscribe'),
  ),
  row(
    'psubscribe',
    -2,
    FREE,
    '2.0.0',
    'Listens for messages published to channels that match patterns.',
    subscribeTo('psubscribe'),
  ),
  row(
    'punsubscribe',
    -1,
    FREE,
    '2.0.0',
    'Stops listening to messages published to channels that match patterns.',
    unsubscribeFrom('psubscribe'),
  ),
  row('ssubscribe', -2, FREE, '7.0.0', 'Listens for messages published to shard channels.', subscribeTo('ssubscribe')),
  row(
    'sunsubscribe',
    -1,
    FREE,
    '7.0.0',
    'Stops listening to messages posted to shard channels.',
    unsubscribeFrom('ssubscribe'),
  ),
  row('publish', 3, `${FREE_FAST} fast may_replicate`, '2.0.0', 'Posts a message to a channel.', publishBy(publish)),
  row(
    'spublish',
    3,
    `${FREE_FAST} fast may_replicate`,
    '7.0.0',
    'Posts a message to a shard channel.',
    publishBy(publishToShard),
  ),
  {
    ...row('pubsub', -2, '', '2.8.0', 'A container for Pub/Sub commands.', () => undefined),
    subcommands: [
      row('channels', -2, FREE_FAST, '2.8.0', 'Returns the active channels.', channelsOf('channels')),
      row('numpat', 2, FREE_FAST, '2.8.0', 'Returns a count of unique pattern subscriptions.', ({ server, reply }) =>
        reply.integer(server.patterns.size),
      ),
      row('numsub', -2, FREE_FAST, '2.8.0', 'Returns a count of subscribers to channels.', subscribersOf('channels')),
      row('shardchannels', -2, FREE_FAST, '7.0.0', 'Returns the active shard channels.', channelsOf('shardChannels')),
      row(
        'shardnumsub',
        -2,
        FREE_FAST,
        '7.0.0',
        'Returns the count of subscribers of shard channels.',
        subscribersOf('shardChannels'),
      ),
    ],
  },
];
