/** A stamp's unit: 32 bits of it last for half a year, as Redis's 24 bits of seconds do. */
const STAMP_MS = 4;
const ORIGIN_MS = Date.now();

/**
 * The time commands see, in milliseconds: read once for each batch of input, so that it stands still within a batch.
 * `stamp` is the same as a signed 32-bit number that wraps around.
 */
export const clock = { now: ORIGIN_MS, stamp: 0 };

/** Brings the clock up to date and returns it. */
export function tick(): number {
  clock.now = Date.now();
  clock.stamp = Math.floor((clock.now - ORIGIN_MS) / STAMP_MS) | 0;
  return clock.now;
}

/** How long ago a stamp of the clock was made, in milliseconds. */
export function sinceStamp(stamp: number): number {
  return ((clock.stamp - stamp) >>> 0) * STAMP_MS;
}

/** The stamp of a time that lies so many milliseconds back. */
export function stampBefore(ms: number): number {
  return (clock.stamp - Math.min(Math.floor(ms / STAMP_MS), 0xffff_ffff)) | 0;
}
