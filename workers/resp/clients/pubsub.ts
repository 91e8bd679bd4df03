import { matchesChannel } from '../protocol/glob.ts';
import { push } from './pushes.ts';
import type { Client, Server } from './server.ts';

/** Which of the three kinds of subscription; the word is part of the replies. */
export type SubscriptionKind = 'subscribe' | 'psubscribe' | 'ssubscribe';

const FIELDS = { subscribe: 'channels', psubscribe: 'patterns', ssubscribe: 'shardChannels' } as const;

/** Adds a subscription of a client; without effect when it is there already. */
export function subscribe(client: Client, kind: SubscriptionKind, channel: string): void {
  const field = FIELDS[kind];
  (client[field] ??= new Set()).add(channel);
  const subscribers = client.server[field].get(channel);
  if (subscribers === undefined) client.server[field].set(channel, new Set([client]));
  else subscribers.add(client);
}

/** Removes a subscription of a client, if it is there. */
export function unsubscribe(client: Client, kind: SubscriptionKind, channel: string): void {
  const field = FIELDS[kind];
  client[field]?.delete(channel);
  if (client[field]?.size === 0) client[field] = undefined;
  const subscribers = client.server[field].get(channel);
  subscribers?.delete(client);
  if (subscribers?.size === 0) client.server[field].delete(channel);
}

/** Channels or patterns of one kind that a client listens to. */
export function subscriptionsOf(client: Client, kind: SubscriptionKind): string[] {
  return [...(client[FIELDS[kind]] ?? [])];
}

/** Removes all subscriptions of a client without telling it. */
export function unsubscribeAll(client: Client): void {
  for (const kind of ['subscribe', 'psubscribe', 'ssubscribe'] as const) {
    for (const channel of subscriptionsOf(client, kind)) unsubscribe(client, kind, channel);
  }
}

/** Sends a message to all who listen and returns how many received it. */
export function publish(server: Server, channel: string, message: string): number {
  let receivers = 0;
  for (const client of server.channels.get(channel) ?? []) {
    deliver(client, ['message', channel, message]);
    receivers++;
  }
  for (const [pattern, clients] of server.patterns) {
    if (!matchesChannel(pattern, channel)) continue;
    for (const client of clients) {
      deliver(client, ['pmessage', pattern, channel, message]);
      receivers++;
    }
  }
  return receivers;
}

/** Sends a message to the subscribers of a shard channel of this node. */
export function publishToShard(server: Server, channel: string, message: string): number {
  const clients = server.shardChannels.get(channel);
  for (const client of clients ?? []) deliver(client, ['smessage', channel, message]);
  return clients?.size ?? 0;
}

function deliver(client: Client, parts: readonly string[]): void {
  push(client, (reply) => {
    reply.push(parts.length);
    for (const part of parts) reply.bulk(part);
  });
}
