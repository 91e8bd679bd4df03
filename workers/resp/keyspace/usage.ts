import { clock } from './clock.ts';
import { Dict } from './dict.ts';
import type { Database } from './database.ts';
import type { Node } from './node.ts';

const LFU_INITIAL = 5;
const LFU_LOG_FACTOR = 10;
const LFU_DECAY_MINUTES = 1;

/** An LFU clock packs minutes and an 8-bit logarithmic counter, as Redis does; an LRU clock is milliseconds. */
function lfuOf(stored: number): number {
  const counter = stored % 256;
  const minutes = Math.floor(clock.now / 60_000) - Math.floor(stored / 256);
  return Math.max(0, counter - Math.floor(minutes / LFU_DECAY_MINUTES));
}

/** Begins or stops keeping how keys are used, as the node's eviction policy needs it. */
export function trackUsage(node: Node): void {
  const policy = node.evictionPolicy;
  const kind = policy.endsWith('lru') ? 'lru' : policy.endsWith('lfu') ? 'lfu' : undefined;
  for (const db of node.databases) if (db !== undefined) db.clocks = undefined;
  if (kind === undefined) {
    node.usage = undefined;
    return;
  }
  const stamp =
    kind === 'lru'
      ? (): number => clock.now
      : (stored: number | undefined): number => {
          let counter = stored === undefined ? LFU_INITIAL : lfuOf(stored);
          const base = Math.max(0, counter - LFU_INITIAL);
          if (stored !== undefined && counter < 255 && Math.random() < 1 / (base * LFU_LOG_FACTOR + 1)) counter++;
          return Math.floor(clock.now / 60_000) * 256 + counter;
        };
  node.usage = {
    used(db: Database, key: string): void {
      const clocks = (db.clocks ??= new Dict());
      clocks.set(key, stamp(clocks.get(key)));
    },
    forget(db: Database, key: string): void {
      db.clocks?.delete(key);
    },
  };
}

/** Milliseconds since a key was last used, as far as it is known (LRU policies); 0 otherwise. */
export function idleMs(db: Database, key: string): number {
  return Math.max(0, clock.now - (db.clocks?.get(key) ?? clock.now));
}

/** How often a key is used on the LFU scale of 0 to 255 (LFU policies). */
export function frequency(db: Database, key: string): number {
  const stored = db.clocks?.get(key);
  return stored === undefined ? 0 : lfuOf(stored);
}
