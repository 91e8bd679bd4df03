/** Above this a call on the event loop keeps the neighbours waiting longer than a trip to another thread costs. */
const INLINE_MAX_MS = 1;
/** How much one measurement counts: after a spike of the disk, some ten good calls bring it back to the loop. */
const WEIGHT = 0.2;

/**
 * Whether a call to the disk is made on the event loop, as Redis does it, or in a thread. On a fast disk the call is cheaper
 * than the two changes of threads; on a slow one it would stop every node of the process. So the time it takes decides.
 */
export class DiskPace {
  private averageMs = 0;

  get inline(): boolean {
    return this.averageMs < INLINE_MAX_MS;
  }

  /** Takes note of a call that began at `sinceMs` (of `performance.now()`) and has just ended. */
  took(sinceMs: number): void {
    this.averageMs += (performance.now() - sinceMs - this.averageMs) * WEIGHT;
  }
}
