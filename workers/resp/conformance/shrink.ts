/** Attempts after which what was found by then has to do. */
const ATTEMPTS_MAX = 400;

/**
 * The fewest of the steps that still fail: leaves out ever smaller parts as long as what is left fails (delta debugging).
 * `fails` returns after how many steps it failed, undefined when it did not.
 */
export async function shrink<S>(
  steps: readonly S[],
  fails: (steps: readonly S[]) => Promise<number | undefined>,
): Promise<readonly S[]> {
  let least = steps;
  let attempts = 0;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < least.length && attempts < ATTEMPTS_MAX;) {
      const without = [...least.slice(0, at), ...least.slice(at + size)];
      attempts++;
      const taken = without.length === 0 ? undefined : await fails(without);
      if (taken === undefined) at += size;
      else least = without.slice(0, taken);
    }
  }
  return least;
}
