import type { Database } from './database.ts';
import type { Node } from './node.ts';
import { frequency, idleMs } from './usage.ts';

/** Keys looked at for each one evicted, as maxmemory-samples. */
const SAMPLES = 5;

interface Candidate {
  readonly db: Database;
  readonly key: string;
  readonly score: number;
}

/** Evicts keys by the node's policy until it is within its memory limit, and says whether it is. */
export function makeRoom(node: Node): boolean {
  if (node.maxMemory === 0 || node.usedBytes <= node.maxMemory) return true;
  if (node.replaying) return true;
  while (node.usedBytes > node.maxMemory) {
    const victim = node.evictionPolicy === 'noeviction' ? undefined : pick(node);
    if (victim === undefined) return false;
    victim.db.remove(victim.key);
    node.evictedKeys++;
    node.addEffect(victim.db.index, ['DEL', victim.key]);
    node.flushEffects();
    node.notify('e', 'evicted', victim.key, victim.db.index);
  }
  return true;
}

/** The best of a few keys from each database, by the policy; undefined when nothing may be evicted. */
function pick(node: Node): Candidate | undefined {
  const [scope, measure] = node.evictionPolicy.split('-') as [string, string];
  let best: Candidate | undefined;
  for (const db of node.databases) {
    if (db === undefined) continue;
    const pool = scope === 'volatile' ? db.expires : db.entries;
    const samples = measure === 'random' ? 1 : SAMPLES;
    for (let i = 0; i < samples && pool.size > 0; i++) {
      const key = pool.randomKey()!;
      const score = scoreOf(db, key, measure);
      if (best === undefined || score > best.score) best = { db, key, score };
    }
  }
  return best;
}

/** How well a key suits eviction; the greatest goes first. */
function scoreOf(db: Database, key: string, measure: string): number {
  switch (measure) {
    case 'lru':
      return idleMs(db, key);
    case 'lfu':
      return 255 - frequency(db, key);
    case 'ttl':
      return -(db.expiryOf(key) ?? 0);
    default:
      return Math.random();
  }
}
