/** How far a subscription has come, and those who wait for it to come further. */
export interface Progress {
  readonly position: bigint;
  /** Moves on; never back. */
  advance(to: bigint): void;
  /** True once the position has been reached, false when the time is over first. */
  reached(position: bigint, timeout_ms: number): Promise<boolean>;
}

interface Waiter {
  readonly position: bigint;
  readonly done: (reached: boolean) => void;
}

/** Starts at a position. Its timers do not keep the process alive. */
export function createProgress(start: bigint): Progress {
  let current = start;
  const waiters = new Set<Waiter>();
  return {
    get position() {
      return current;
    },
    advance(to) {
      if (to <= current) return;
      current = to;
      for (const waiter of waiters) if (waiter.position <= to) waiter.done(true);
    },
    reached(position, timeout_ms) {
      if (position <= current) return Promise.resolve(true);
      return new Promise((resolve) => {
        const waiter: Waiter = {
          position,
          done: (reached) => {
            waiters.delete(waiter);
            clearTimeout(timer);
            resolve(reached);
          },
        };
        const timer = setTimeout(() => waiter.done(false), timeout_ms).unref();
        waiters.add(waiter);
      });
    },
  };
}
