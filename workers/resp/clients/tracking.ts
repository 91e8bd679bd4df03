import { numberSetting } from '../config/settings.ts';
import { push } from './pushes.ts';
import type { Client, Server, TrackingTable } from './server.ts';
import type { ClientTracking } from './states.ts';

/** Begins or changes the tracking of a client. */
export function startTracking(client: Client, tracking: ClientTracking): void {
  const { server } = client;
  client.tracking = tracking;
  server.tracking ??= { readers: new Map(), clients: new Set(), changed: new Map(), own: [], current: undefined };
  server.tracking.clients.add(client);
  server.tracking.current = client;
  server.node.invalidated = (key) => keyChanged(server, key);
}

/** Ends the tracking of a client. What it has read is remembered, as in Redis: should it begin again it is told of that, too. */
export function stopTracking(client: Client): void {
  client.tracking = undefined;
}

/** Forgets a client that is gone. */
export function forgetTracking(client: Client): void {
  const { server } = client;
  client.tracking = undefined;
  if (server.tracking?.clients.delete(client) !== true) return;
  if (server.tracking.clients.size !== 0) return;
  server.tracking = undefined;
  server.node.invalidated = undefined;
}

/** Remembers what a client has read, by a command that only reads. */
export function rememberRead(client: Client, keys: readonly string[]): void {
  const { tracking, server } = client;
  const table = server.tracking;
  if (tracking === undefined || table === undefined || tracking.broadcast) return;
  if ((tracking.optIn && !tracking.caching) || (tracking.optOut && tracking.caching)) return;
  for (const key of keys) {
    const readers = table.readers.get(key);
    if (readers === undefined) table.readers.set(key, new Set([client.id]));
    else readers.add(client.id);
  }
  limitTracking(server);
}

/** Takes the keys read longest ago as changed when there are more than may be remembered. */
export function limitTracking(server: Server): void {
  const table = server.tracking;
  const wanted = numberSetting(server, 'tracking-table-max-keys');
  const most = wanted === 0 ? Infinity : wanted;
  if (table === undefined) return;
  while (table.readers.size > most) {
    tellReaders(server, table, table.readers.keys().next().value!, undefined);
  }
}

function keyChanged(server: Server, key: string): void {
  const table = server.tracking;
  if (table === undefined) return;
  for (const { tracking } of table.clients) {
    if (tracking?.broadcast !== true) continue;
    if (table.changed.size === 0) queueMicrotask(() => broadcast(server));
    table.changed.set(key, table.current);
    break;
  }
  tellReaders(server, table, key, table.current);
}

function tellReaders(server: Server, table: TrackingTable, key: string, by: Client | undefined): void {
  const readers = table.readers.get(key);
  if (readers === undefined) return;
  table.readers.delete(key);
  for (const id of readers) {
    const reader = server.clients.get(id);
    if (reader?.tracking === undefined || reader.tracking.broadcast) continue;
    if (reader !== by) tell(reader, [key]);
    else if (!reader.tracking.noLoop) table.own.push(key);
  }
}

/** Tells those who listen to all changes, once for what happened since they were last told. */
function broadcast(server: Server): void {
  const table = server.tracking;
  if (table === undefined) return;
  const { changed } = table;
  table.changed = new Map();
  for (const client of table.clients) {
    const { tracking } = client;
    if (tracking?.broadcast !== true) continue;
    for (const prefix of tracking.prefixes) {
      const keys = [...changed].filter(([key, by]) => key.startsWith(prefix) && !(tracking.noLoop && by === client));
      if (keys.length > 0) tell(client, keys.map(([key]) => key)); // prettier-ignore
    }
  }
}

/** Before a command runs: changes from here on are its client's. */
export function beginCommand(table: TrackingTable, client: Client): void {
  table.current = client;
}

/** After a command has replied: its client learns what it has changed itself. */
export function endCommand(table: TrackingTable, client: Client): void {
  table.current = undefined;
  if (table.own.length === 0) return;
  const keys = table.own;
  table.own = [];
  for (const key of keys) tell(client, key === undefined ? undefined : [key]);
}

/** All keys of the node have changed, as FLUSHALL does. */
export function invalidateAll(server: Server): void {
  const table = server.tracking;
  if (table === undefined) return;
  table.readers.clear();
  for (const client of table.clients) {
    // The caller has its reply first.
    if (client === table.current) table.own.push(undefined);
    else tell(client, undefined);
  }
}

/** Sends the names of changed keys, or that all have changed. */
function tell(client: Client, keys: readonly string[] | undefined): void {
  const { tracking, server } = client;
  if (tracking === undefined || client.gone) return;
  const { redirect } = tracking;
  const target = redirect === 0 ? client : server.clients.get(redirect);
  if (target === undefined) {
    tracking.brokenRedirect = true;
    if (!client.reply.resp3) return;
    client.reply.push(2);
    client.reply.bulk('tracking-redir-broken');
    client.reply.integer(redirect);
    client.transport?.schedule();
    return;
  }
  if (!target.reply.resp3 && (redirect === 0 || target.subscriptions === 0)) return;
  push(target, (reply) => {
    reply.push(reply.resp3 ? 2 : 3);
    reply.bulk(reply.resp3 ? 'invalidate' : 'message');
    if (!reply.resp3) reply.bulk('__redis__:invalidate');
    if (keys === undefined) reply.null();
    else reply.bulks(keys);
  });
}
