import type { Client } from './server.ts';

/** Forgets which keys a client watches. */
export function unwatch(client: Client): void {
  const { watcher, watchedKeys } = client;
  if (watcher === undefined || watchedKeys === undefined) return;
  for (const { db, key } of watchedKeys) {
    const watchers = db.watched?.get(key);
    watchers?.delete(watcher);
    if (watchers?.size === 0) db.watched?.delete(key);
    if (db.watched?.size === 0) db.watched = undefined;
  }
  client.watcher = undefined;
  client.watchedKeys = undefined;
}

/** Ends MULTI without running anything. */
export function discard(client: Client): void {
  client.transaction = undefined;
  unwatch(client);
}
