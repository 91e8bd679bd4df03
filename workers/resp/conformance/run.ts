import { createComparison } from './compare.ts';
import { createGenerator, seeded } from './generate.ts';
import type { Wire } from './wire.ts';

const BATCH = 50;

/** A request to which the two servers gave different answers. */
export interface Difference {
  readonly request: readonly string[];
  readonly ours: string;
  readonly theirs: string;
  /** What was sent before, the nearest last. */
  readonly before: readonly string[];
}

/** Sends the same random requests to both and returns the first difference, if there is one. */
export async function findDifference(
  ours: Wire,
  theirs: Wire,
  seed: number,
  count: number,
): Promise<Difference | undefined> {
  const next = createGenerator(seeded(seed));
  const same = createComparison();
  const history: string[] = [];
  const setup = [['DISCARD'], ['SELECT', '0'], ['FLUSHALL'], ['FUNCTION', 'FLUSH']];
  await ours.batch(setup);
  await theirs.batch(setup);
  for (let sent = 0; sent < count; sent += BATCH) {
    const requests = Array.from({ length: BATCH }, next);
    const [left, right] = await Promise.all([ours.batch(requests), theirs.batch(requests)]);
    for (const [i, request] of requests.entries()) {
      if (!same(request, left[i]!, right[i]!)) {
        return { request, ours: left[i]!, theirs: right[i]!, before: history.slice(-30) };
      }
      history.push(request.join(' '));
    }
  }
  return undefined;
}
