/** The time commands see, in milliseconds: read once for each batch of input, so that it stands still within a batch. */
export const clock = { now: Date.now() };

/** Brings the clock up to date and returns it. */
export function tick(): number {
  clock.now = Date.now();
  return clock.now;
}
