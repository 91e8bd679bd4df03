import type { Database, Watcher } from '../keyspace/database.ts';
import type { Client } from './server.ts';
import { inTurn } from './turns.ts';

/** Keys that are let go of at once. */
const AT_ONCE = 256;

/** Forgets which keys a client watches. A watcher that nobody asks any more does no harm, so many are let go of one by one. */
export function unwatch(client: Client): void {
  const { server, watcher, watchedKeys } = client;
  if (watcher === undefined || watchedKeys === undefined) return;
  client.watcher = undefined;
  client.watchedKeys = undefined;
  client.watchedExpiring = undefined;
  const letGo = (from: number): void => {
    const beganMs = performance.now();
    const end = Math.min(watchedKeys.length, from + AT_ONCE);
    for (let i = from; i < end; i++) forget(watcher, watchedKeys[i]!.db, watchedKeys[i]!.key);
    if (end === watchedKeys.length) return;
    server.spentMs += performance.now() - beganMs;
    inTurn(server, () => letGo(end));
  };
  letGo(0);
}

function forget(watcher: Watcher, db: Database, key: string): void {
  const watchers = db.watched?.get(key);
  watchers?.delete(watcher);
  if (watchers?.size === 0) db.watched?.delete(key);
  if (db.watched?.size === 0) db.watched = undefined;
}

/** Ends MULTI without running anything. */
export function discard(client: Client): void {
  client.transaction = undefined;
  unwatch(client);
}
