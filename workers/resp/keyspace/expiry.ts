import { clock, tick } from './clock.ts';
import type { Database } from './database.ts';
import type { Node } from './node.ts';

const INTERVAL_MS = 100;
/** What one slice of work over all nodes may take, so that nobody's requests wait for expiry. */
const SLICE_MS = 1;
/** While many keys are due a slice follows the one before after this time: a fifth of the process at most. */
const BACKLOG_MS = 4;
/** A key nobody asks for is removed within about this many rounds after its time. */
const ROUNDS = 10;

/** Nodes whose keys expire only when someone asks for them (DEBUG SET-ACTIVE-EXPIRE). */
const held = new WeakSet<Node>();

/** Whether keys of a node expire that nobody asks for. */
export function setActiveExpiry(node: Node, on: boolean): void {
  if (on) held.delete(node);
  else held.add(node);
}

/**
 * Removes expired keys nobody asks for. Only nodes that have keys with an expiry are visited, a part of their keys at a
 * time, so that all are seen within a second; the timer runs only while there are such nodes.
 */
export function createExpiryCycle(): { readonly watch: (node: Node) => void; stop(): void } {
  const nodes = new Set<Node>();
  const cursors = new WeakMap<Database, number>();
  let timer: NodeJS.Timeout | undefined;

  const round = (): void => {
    tick();
    const deadline = performance.now() + SLICE_MS;
    let backlog = false;
    for (const node of Array.from(nodes)) {
      if (performance.now() > deadline) break;
      // Whoever was visited goes to the end of the line, so that a short budget is shared fairly.
      nodes.delete(node);
      if (node.closed) continue;
      if (node.busy || held.has(node) || node.replaying || node.expiryPaused) {
        nodes.add(node);
        continue;
      }
      if (visit(node, cursors, deadline) === 'backlog') backlog = true;
      if (node.databases.some((db) => db !== undefined && db.expires.size > 0)) nodes.add(node);
    }
    timer = nodes.size === 0 ? undefined : setTimeout(round, backlog ? BACKLOG_MS : INTERVAL_MS).unref();
  };
  return {
    watch: (node) => {
      nodes.add(node);
      timer ??= setTimeout(round, INTERVAL_MS).unref();
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
      nodes.clear();
    },
  };
}

/** Expires keys of a node until its share of shards is seen or the time is over; says whether many more are due. */
function visit(node: Node, cursors: WeakMap<Database, number>, deadline: number): 'backlog' | 'done' {
  for (const db of node.databases) {
    if (db === undefined || db.expires.size === 0) continue;
    let removed = 0;
    for (let shards = Math.ceil(db.expires.shardCount / ROUNDS); shards > 0; shards--) {
      removed += expireShard(db, cursors);
      node.flushEffects();
      if (performance.now() > deadline) return removed > 0 ? 'backlog' : 'done';
    }
  }
  return 'done';
}

/** Removes the keys that are due of one shard, and returns how many they were. */
function expireShard(db: Database, cursors: WeakMap<Database, number>): number {
  const due: string[] = [];
  const next = db.expires.scanShard(cursors.get(db) ?? 0, (at, key) => {
    if (at <= clock.now) due.push(key);
  });
  cursors.set(db, next);
  for (const key of due) db.expireIfDue(key);
  return due.length;
}
