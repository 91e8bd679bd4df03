const WINDOW_MS = 60_000;
const ADDRESSES_MAX = 10_000;

/** Counts failed AUTHs per address in windows of a minute. */
export function createAuthThrottle(failuresMax: number): {
  allows(address: string): boolean;
  failed(address: string): void;
} {
  const failures = new Map<string, { count: number; sinceMs: number }>();
  const current = (address: string): { count: number; sinceMs: number } | undefined => {
    const found = failures.get(address);
    if (found !== undefined && Date.now() - found.sinceMs < WINDOW_MS) return found;
    failures.delete(address);
    return undefined;
  };
  return {
    allows: (address) => failuresMax === 0 || (current(address)?.count ?? 0) < failuresMax,
    failed(address) {
      const found = current(address);
      if (found !== undefined) {
        found.count++;
        return;
      }
      // The oldest goes when there are too many, so that addresses made up by the thousand take no memory.
      if (failures.size >= ADDRESSES_MAX) failures.delete(failures.keys().next().value!);
      failures.set(address, { count: 1, sinceMs: Date.now() });
    },
  };
}
