import { clock, tick } from '../keyspace/clock.ts';
import type { Client, Server } from './server.ts';
import type { Blocked } from './states.ts';
import { runAs } from './pushes.ts';
import { beginCommand, endCommand } from './tracking.ts';
import { noteRejected, noteResumed } from './statistics.ts';

/** Node's timers hold at most this; longer waits are wound up again. */
const TIMER_MAX_MS = 0x7fff_ffff;

/** Suspends a client until `serve` succeeds for one of the keys or the time is over; 0 ms is for ever. */
export function block(
  client: Client,
  keys: readonly string[],
  timeoutMs: number,
  ends: Pick<Blocked, 'serve' | 'timedOut' | 'endsWhenRemoved'>,
): void {
  const { server, db } = client;
  const blocked: Blocked = { db: db.index, keys, ...ends, timer: undefined };
  client.blocked = blocked;
  for (const key of keys) {
    const id = `${db.index}:${key}`;
    const waiting = server.waiting.get(id);
    if (waiting === undefined) server.waiting.set(id, new Set([client]));
    else waiting.add(client);
    (db.waiting ??= new Set()).add(key);
  }
  if (timeoutMs > 0) windUp(client, blocked, clock.now + timeoutMs);
}

function windUp(client: Client, blocked: Blocked, untilMs: number): void {
  blocked.timer = setTimeout(
    () => {
      if (Date.now() < untilMs) {
        windUp(client, blocked, untilMs);
        return;
      }
      unblock(client);
      blocked.timedOut();
      goOn(client);
    },
    Math.min(TIMER_MAX_MS, Math.max(1, untilMs - Date.now())),
  );
}

/** Takes a client off the keys it waits for, without a reply. */
export function unblock(client: Client): void {
  const { blocked, server } = client;
  if (blocked === undefined) return;
  client.blocked = undefined;
  clearTimeout(blocked.timer);
  for (const key of blocked.keys) {
    const id = `${blocked.db}:${key}`;
    const waiting = server.waiting.get(id);
    waiting?.delete(client);
    if (waiting?.size !== 0) continue;
    server.waiting.delete(id);
    const db = server.node.databases[blocked.db];
    db?.waiting?.delete(key);
    if (db?.waiting?.size === 0) db.waiting = undefined;
  }
}

/** Lets a client that was unblocked have its reply and go on with its input. */
export function goOn(client: Client): void {
  noteResumed(client);
  client.transport?.schedule();
  client.transport?.resume();
}

/** Whether a client may still do what it is blocked with; its user's rules may have changed since. */
function mayBeServed(client: Client): boolean {
  const refusal = client.restrictedTo === undefined ? undefined : client.suspended?.refusal();
  if (refusal === undefined) return true;
  client.reply.error(refusal);
  noteRejected(client);
  unblock(client);
  return false;
}

/** What the served client changes itself it is told of after its reply. */
function serveTracked(client: Client, blocked: Blocked, key: string): boolean {
  const { tracking } = client.server;
  if (tracking === undefined) return blocked.serve(key);
  const { current, own } = tracking;
  tracking.own = [];
  beginCommand(tracking, client);
  const served = blocked.serve(key);
  endCommand(tracking, client);
  Object.assign(tracking, { current, own });
  return served;
}

/** Whether a removed key ends the wait of any of them; then all of them look at what has taken its place, as in Redis. */
function endsForSome(waiting: ReadonlySet<Client>): boolean {
  return Array.from(waiting).some(({ blocked }) => blocked?.endsWhenRemoved === true);
}

function servedAtLast(client: Client): void {
  client.pending = undefined;
  goOn(client);
}

/** Serves clients that wait for keys that now have something, in the order they came. What each has sent since waits for all of them. */
export function serveReady(server: Server): void {
  if (server.node.readyKeys.length === 0) return;
  // What expired while the command ran is not there for those who waited.
  tick();
  const served: Client[] = [];
  serveInOrder(server, served);
  for (const client of served) goOn(client);
}

function serveInOrder(server: Server, served: Client[]): void {
  const { node } = server;
  while (node.readyKeys.length > 0) {
    const ready = node.readyKeys;
    node.readyKeys = [];
    for (const [at, { db, key, lost }] of ready.entries()) {
      const waiting = server.waiting.get(`${db.index}:${key}`);
      if (waiting === undefined || (lost === true && !endsForSome(waiting))) continue;
      for (const client of Array.from(waiting)) {
        const { blocked } = client;
        if (blocked === undefined) continue;
        if (blocked.endsWhenRemoved !== true && db.peek(key) === undefined) continue;
        node.rewritten = false;
        if (!mayBeServed(client)) {
          served.push(client);
          continue;
        }
        if (!runAs(client, () => serveTracked(client, blocked, key))) continue;
        unblock(client);
        if (client.pending !== undefined) {
          // It is served in steps, after which those behind it are looked at.
          void client.pending.then(() => servedAtLast(client));
          node.readyKeys = [...ready.slice(at), ...node.readyKeys];
          return;
        }
        node.flushEffects();
        served.push(client);
      }
    }
  }
}
