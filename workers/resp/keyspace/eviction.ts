import type { Database } from './database.ts';
import type { EvictionPolicy, Node } from './node.ts';
import { frequency, idleMs } from './usage.ts';

/** How many good candidates are kept from one choice to the next. */
const POOL_SIZE = 16;
/** What eviction may take of one command; the rest is done between commands. */
const SLICE_MS = 0.5;

/** What a node takes without any key: a limit below it is always exceeded. */
const NODE_BYTES = 1024;

interface Candidate {
  readonly db: Database;
  readonly key: string;
  readonly score: number;
}

/** How old the measure of clients' buffers may be: summing them up for each command would cost too much. */
const MEASURE_MS = 100;

/** The best candidates seen, the best last, by node while it evicts. */
const pools = new WeakMap<Node, Candidate[]>();

/** Whether a node takes more than its memory limit. */
export function isOver({ maxMemory, usedBytes }: Node): boolean {
  return maxMemory !== 0 && usedBytes + NODE_BYTES > maxMemory;
}

/**
 * Evicts keys by the node's policy until it is within its memory limit. False when that can't be reached. The work is
 * bounded: when there is more to do than fits into a slice, it goes on between commands, and the answer is true.
 */
export function makeRoom(node: Node): boolean {
  if (node.maxMemory === 0 || node.replaying) return true;
  node.measure(MEASURE_MS);
  if (!isOver(node)) return true;
  if (node.evictionPolicy === 'noeviction') return false;
  const deadline = performance.now() + SLICE_MS;
  for (let evicted = 0; isOver(node); evicted++) {
    if (evicted % 16 === 15 && performance.now() > deadline) {
      goOnLater(node);
      return true;
    }
    const victim = pick(node);
    if (victim === undefined) return false;
    evict(node, victim);
  }
  return true;
}

function goOnLater(node: Node): void {
  if (node.evicting) return;
  node.evicting = true;
  setImmediate(() => {
    node.evicting = false;
    if (!node.closed && !node.busy) makeRoom(node);
  });
}

function evict(node: Node, { db, key }: Candidate): void {
  db.remove(key);
  node.evictedKeys++;
  node.addEffect(db.index, ['DEL', key]);
  node.flushEffects();
  node.notify('e', 'evicted', key, db.index);
}

/** What to evict next; undefined when nothing may be evicted. */
function pick(node: Node): Candidate | undefined {
  const { evictionPolicy: policy } = node;
  if (policy.endsWith('random')) return pickRandom(node);
  const pool = pools.get(node) ?? [];
  pools.set(node, pool);
  for (;;) {
    let candidates = 0;
    for (const db of node.databases) {
      if (db === undefined) continue;
      const keys = keysOf(db, policy);
      candidates += keys.size;
      for (let i = Math.min(node.evictionSamples, keys.size); i > 0; i--) {
        const key = keys.randomKey()!;
        offer(pool, { db, key, score: scoreOf(node, db, key) });
      }
    }
    if (candidates === 0) {
      pools.delete(node);
      return undefined;
    }
    for (let best = pool.pop(); best !== undefined; best = pool.pop()) {
      // What was in the pool may be gone by now, or have lost its expiry.
      if (keysOf(best.db, policy).has(best.key)) return best;
    }
  }
}

function pickRandom(node: Node): Candidate | undefined {
  const dbs = node.databases.filter((db) => db !== undefined && keysOf(db, node.evictionPolicy).size > 0);
  const db = dbs[node.evictedKeys % dbs.length];
  if (db === undefined) return undefined;
  return { db, key: keysOf(db, node.evictionPolicy).randomKey()!, score: 0 };
}

function keysOf(db: Database, policy: EvictionPolicy): Database['entries'] | Database['expires'] {
  return policy.startsWith('volatile') ? db.expires : db.entries;
}

/** Puts a candidate in its place, unless the pool is full of better ones. */
function offer(pool: Candidate[], candidate: Candidate): void {
  if (pool.some(({ db, key }) => key === candidate.key && db === candidate.db)) return;
  if (pool.length === POOL_SIZE && candidate.score <= pool[0]!.score) return;
  let at = pool.length;
  while (at > 0 && pool[at - 1]!.score > candidate.score) at--;
  pool.splice(at, 0, candidate);
  if (pool.length > POOL_SIZE) pool.shift();
}

/** How well a key suits eviction; the greatest goes first. */
function scoreOf(node: Node, db: Database, key: string): number {
  if (node.evictionPolicy.endsWith('lru')) return idleMs(db, key);
  if (node.evictionPolicy.endsWith('lfu')) return 255 - frequency(node, db, key);
  return -(db.expiryOf(key) ?? 0);
}
