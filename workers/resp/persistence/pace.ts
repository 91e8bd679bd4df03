import { lastWorkMs } from '../clients/turns.ts';

/**
 * While nodes are at work, long work has as much time as this share of what they take themselves: a turn of the event loop becomes a fifth
 * longer on average, and what waits in it as well. Of the pauses between, in which clients think of their next request, it has half as much as it leaves.
 */
const SHARE = 0.2;
const PAUSE_SHARE = 0.5;
/** Its time is saved up until it is a slice worth having, in milliseconds, and spent in slices of at most so many. */
const SLICE_MIN_MS = 0.1;
const SLICE_MAX_MS = 0.5;
/** Once no node has been at work for so long, all time is for the long work. */
const IDLE_AFTER_MS = 0.5;

const waiting: (() => void)[] = [];
let scheduled = false;
/** When the latest slice ended, or it was looked whether the next one is due. */
let lookedMs = 0;
let savedMs = 0;
let endsMs = 0;

/** Whether who works has to let others have their turn. Looking costs about as much as writing a small key. */
export function sliceIsOver(): boolean {
  return performance.now() >= endsMs;
}

/**
 * Resolves when the next slice begins. All long work of a process (snapshots, loading, verifying) shares one slice a turn of the
 * event loop at most: two at a time must not take twice as much of what the others have.
 */
export function nextSlice(): Promise<void> {
  if (!scheduled) {
    scheduled = true;
    lookedMs = performance.now();
    setImmediate(look);
  }
  return new Promise((resolve) => void waiting.push(resolve));
}

/** Begins a slice once one is due. */
function look(): void {
  const nowMs = performance.now();
  const workedMs = lastWorkMs();
  const share = workedMs < lookedMs ? PAUSE_SHARE : SHARE;
  savedMs = nowMs - workedMs > IDLE_AFTER_MS ? SLICE_MIN_MS : savedMs + (nowMs - lookedMs) * share;
  lookedMs = nowMs;
  if (savedMs < SLICE_MIN_MS) {
    setImmediate(look);
    return;
  }
  endsMs = nowMs + Math.min(SLICE_MAX_MS, savedMs);
  savedMs = 0;
  serve();
}

/** Lets one work, and the next one with what that leaves of the slice: thousands of small nodes may be loading. */
function serve(): void {
  waiting.shift()!();
  queueMicrotask(() => {
    lookedMs = performance.now();
    if (waiting.length === 0) scheduled = false;
    else if (lookedMs < endsMs) serve();
    else setImmediate(look);
  });
}
