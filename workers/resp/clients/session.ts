import { mayEnterFreely, restrictionOf } from '../acl/users.ts';
import type { SessionState } from '../engine-api.ts';
import { clock } from '../keyspace/clock.ts';
import { unblock } from './blocking.ts';
import { stopMonitor } from './monitor.ts';
import { unsubscribeAll } from './pubsub.ts';
import type { Client, Server } from './server.ts';
import { forgetTracking, stopTracking } from './tracking.ts';
import { discard } from './transactions.ts';

/** Makes a connection a client of a node; an id is given that means something within the node only. */
export function attach(client: Client, server: Server): void {
  client.server = server;
  client.db = server.node.database(0);
  client.id = server.nextClientId++;
  server.clients.set(client.id, client);
  client.restrictedTo = restrictionOf(server, client.user);
  server.node.connectionsReceived++;
}

/** Ends all that ties a client to its node. */
export function detach(client: Client): void {
  const { server } = client;
  unblock(client);
  discard(client);
  unsubscribeAll(client);
  forgetTracking(client);
  stopMonitor(client);
  server.forget(client);
}

/** What a client takes along into another engine. */
export function sessionOf({ reply, replyMode, name, libName, libVersion, noEvict, noTouch }: Client): SessionState {
  return { resp3: reply.resp3, replyMode, name, libName, libVersion, noEvict, noTouch };
}

/** Gives a client what it brought along from another engine. */
export function resume(client: Client, { resp3, ...session }: SessionState): void {
  Object.assign(client, session);
  client.reply.resp3 = resp3;
}

/** Moves a connection that has authenticated to the node it asked for. */
export function moveTo(client: Client, server: Server): void {
  if (client.server === server) return;
  detach(client);
  attach(client, server);
}

/** Brings a connection back to how it was after connecting (RESET). */
export function reset(client: Client): void {
  discard(client);
  unsubscribeAll(client);
  stopTracking(client);
  stopMonitor(client);
  client.db = client.node.database(0);
  client.reply.resp3 = false;
  client.replyMode = 'on';
  client.name = '';
  client.noEvict = false;
  client.noTouch = false;
  client.user = 'default';
  client.privileged = false;
  client.restrictedTo = restrictionOf(client.server, client.user);
  client.authenticated = mayEnterFreely(client.server);
}

/** Holds commands of a node's clients until a time (CLIENT PAUSE); a longer pause is not shortened. */
export function pause(server: Server, untilMs: number, writesOnly: boolean): void {
  const wasPaused = server.pausedUntilMs > clock.now;
  server.pausedWritesOnly = wasPaused ? server.pausedWritesOnly && writesOnly : writesOnly;
  server.pausedUntilMs = Math.max(server.pausedUntilMs, untilMs);
  server.node.expiryPaused = true;
  clearTimeout(server.pauseTimer);
  server.pauseTimer = setTimeout(
    () => unpause(server),
    Math.min(0x7fff_ffff, Math.max(0, server.pausedUntilMs - Date.now())),
  ).unref();
}

/** Lets the held commands run. */
export function unpause(server: Server): void {
  clearTimeout(server.pauseTimer);
  server.pauseTimer = undefined;
  server.pausedUntilMs = 0;
  server.node.expiryPaused = false;
  const held = [...server.pausedClients];
  server.pausedClients.clear();
  for (const client of held) client.transport?.resume();
}
