/** What a failed AUTH costs the one who failed. */
interface Penalty {
  /** How long the answer is held back. */
  readonly delay_ms: number;
  /** Seconds until attempts are looked into again; undefined while they are. */
  readonly refusedFor_s: number | undefined;
}

/** Counts failed attempts by address and user. */
export interface Throttle {
  /** Notes a failure and says what follows from it. */
  failed(address: string, user: string): Penalty;
  /** Whether failures are so many that a further one is not worth any work. */
  isRefused(address: string, user: string): boolean;
  /** Forgives. */
  succeeded(address: string, user: string): void;
  /** Failures since the start. */
  readonly failures: number;
}

const window_ms = 60_000;
const freeFailures = 10;
const refusedAfter = 50;
const delayMax_ms = 1000;
/** Of the two numbers of failures that are kept, the one that goes by address alone only ever delays. */
const freeFailuresOfAddress = 200;
const trackedMax = 20_000;

interface Count {
  failures: number;
  until: number;
}

/**
 * A throttle that slows those who guess and locks nobody out: it is asked only about attempts that failed, so the right
 * password is taken whatever others did from the same address. What it keeps is bounded; the oldest goes first.
 */
export function createThrottle(now: () => number = Date.now): Throttle {
  const counts = new Map<string, Count>();
  let failures = 0;

  const current = (key: string): number => {
    const count = counts.get(key);
    return count === undefined || count.until <= now() ? 0 : count.failures;
  };
  const increment = (key: string): number => {
    const count = { failures: current(key) + 1, until: now() + window_ms };
    counts.delete(key);
    counts.set(key, count);
    if (counts.size > trackedMax) dropOldest(counts);
    return count.failures;
  };

  return {
    failed(address, user) {
      failures += 1;
      const ofUser = increment(pair(address, user));
      const ofAddress = increment(address);
      const delay_ms = Math.max(delayAfter(ofUser - freeFailures), delayAfter(ofAddress - freeFailuresOfAddress));
      return { delay_ms, refusedFor_s: ofUser > refusedAfter ? window_ms / 1000 : undefined };
    },
    isRefused: (address, user) => current(pair(address, user)) >= refusedAfter,
    succeeded(address, user) {
      counts.delete(pair(address, user));
      counts.delete(address);
    },
    get failures() {
      return failures;
    },
  };
}

/** The first failures are anybody's typing errors; each further one doubles the wait. */
function delayAfter(excess: number): number {
  return excess <= 0 ? 0 : Math.min(delayMax_ms, 10 * 2 ** Math.min(excess, 10));
}

function dropOldest(counts: Map<string, Count>): void {
  const [oldest] = counts.keys();
  if (oldest !== undefined) counts.delete(oldest);
}

/** A space can't be part of an address, so no two pairs share a key. */
function pair(address: string, user: string): string {
  return `${address} ${user}`;
}
