import { WINDOW } from './walk.ts';
import type { Walk } from './walk.ts';

/**
 * Picks from a collection as HRANDFIELD, SRANDMEMBER and ZRANDMEMBER do, in steps: a positive count gives distinct elements, at
 * most all; a negative one that many independent picks. `all` visits all elements.
 */
export function* sample(
  size: number,
  count: number,
  random: () => string,
  all: (visit: (element: string) => void) => Walk,
): Generator<void, string[]> {
  const picked: string[] = [];
  if (size === 0 || count === 0) return picked;
  if (count < 0) {
    for (let i = 0; i < -count; i++) {
      picked.push(random());
      if (i % WINDOW === WINDOW - 1) yield;
    }
    return picked;
  }
  if (count * 3 < size) {
    const distinct = new Set<string>();
    for (let tries = 0; distinct.size < count; tries++) {
      distinct.add(random());
      if (tries % WINDOW === WINDOW - 1) yield;
    }
    return [...distinct];
  }
  // Most are wanted: shuffle as far as needed instead of picking until nearly all were hit.
  yield* all((element) => picked.push(element));
  const drawn = count < size ? count : 0;
  for (let i = 0; i < drawn; i++) {
    const other = i + Math.floor(Math.random() * (picked.length - i));
    [picked[i], picked[other]] = [picked[other]!, picked[i]!];
    if (i % WINDOW === WINDOW - 1) yield;
  }
  picked.length = Math.min(count, picked.length);
  return picked;
}
