/**
 * How long one slice of long work keeps others waiting, in milliseconds: a part of what they took themselves since the
 * slice before, so that a turn of the event loop takes a quarter longer at most, however busy or idle the process is.
 */
const SLICE_MIN_MS = 0.1;
const SLICE_MAX_MS = 1;
const SLICE_PART = 0.25;

const waiting: (() => void)[] = [];
let scheduled = false;
let endsMs = 0;
let endedMs = 0;

/** Whether who works has to let others have their turn. Looking costs about as much as writing a small key. */
export function sliceIsOver(): boolean {
  return performance.now() >= endsMs;
}

/**
 * Resolves when the next slice begins. All long work of a process (snapshots, loading, verifying) shares one slice a turn of the
 * event loop: two at a time must not take twice as much of what the others have.
 */
export function nextSlice(): Promise<void> {
  endedMs = performance.now();
  if (!scheduled) setImmediate(begin);
  scheduled = true;
  return new Promise((resolve) => void waiting.push(resolve));
}

function begin(): void {
  const nowMs = performance.now();
  endsMs = nowMs + Math.min(SLICE_MAX_MS, Math.max(SLICE_MIN_MS, (nowMs - endedMs) * SLICE_PART));
  serve();
}

/** Lets one work, and the next one with what that leaves of the slice: thousands of small nodes may be loading. */
function serve(): void {
  waiting.shift()!();
  queueMicrotask(() => {
    endedMs = performance.now();
    if (waiting.length === 0) scheduled = false;
    else if (endedMs < endsMs) serve();
    else setImmediate(begin);
  });
}
