import { clock, sinceStamp, stampBefore } from './clock.ts';
import type { Database } from './database.ts';
import type { Node } from './node.ts';

const LFU_INITIAL = 5;
const MINUTE_MS = 60_000;

/**
 * How keys are used is a stamp beside each of them, as Redis has 24 bits for it: when it was last used, or under an LFU
 * policy minutes and a logarithmic counter. A change of policy reinterprets the stamps that are there, as in Redis.
 */
export function trackUsage(node: Node): void {
  if (!node.evictionPolicy.endsWith('lfu')) {
    node.restamp = undefined;
    return;
  }
  node.restamp = (stamp) => {
    if (stamp === undefined) return lfuStamp(LFU_INITIAL);
    const counter = decayed(node, stamp);
    const base = Math.max(0, counter - LFU_INITIAL);
    const counts = counter < 255 && Math.random() < 1 / (base * node.lfuLogFactor + 1);
    return lfuStamp(counts ? counter + 1 : counter);
  };
}

function lfuStamp(counter: number): number {
  return ((Math.floor(clock.now / MINUTE_MS) & 0xffff) << 8) | counter;
}

/** The counter of a stamp after one has been taken off for each period without a use. */
function decayed(node: Node, stamp: number): number {
  const counter = stamp & 255;
  if (node.lfuDecayMinutes === 0) return counter;
  const minutes = (Math.floor(clock.now / MINUTE_MS) - (stamp >>> 8)) & 0xffff;
  return Math.max(0, counter - Math.floor(minutes / node.lfuDecayMinutes));
}

/** Milliseconds since a key was last used; 0 when it is not there. */
export function idleMs(db: Database, key: string): number {
  return sinceStamp(db.entries.stampOf(key) ?? clock.stamp);
}

/** How often a key is used on the LFU scale of 0 to 255 (LFU policies). */
export function frequency(node: Node, db: Database, key: string): number {
  const stamp = db.entries.stampOf(key);
  return stamp === undefined ? 0 : decayed(node, stamp);
}

/** Sets how long a key counts as unused (RESTORE IDLETIME), unless the policy is LFU. */
export function setIdle(node: Node, db: Database, key: string, seconds: number): void {
  if (node.restamp === undefined) db.entries.setStamp(key, stampBefore(seconds * 1000));
}

/** Sets how often a key counts as used (RESTORE FREQ), if the policy is LFU. */
export function setFrequency(node: Node, db: Database, key: string, counter: number): void {
  if (node.restamp !== undefined) db.entries.setStamp(key, lfuStamp(counter));
}
