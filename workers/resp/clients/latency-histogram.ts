import type { CommandStat } from './server.ts';

/** Bucket i holds what took more than 1024 × 2^(i-1) and at most 1024 × 2^i nanoseconds; longer than a second is a second. */
const BUCKETS = 21;
const NANOSECONDS_MAX = 1e9;

/** Counts what a call took. */
export function countLatency(stat: CommandStat, microseconds: number): void {
  const nanoseconds = Math.min(NANOSECONDS_MAX, microseconds * 1000);
  const histogram = (stat.histogram ??= Array.from({ length: BUCKETS }, () => 0));
  const bucket = 32 - Math.clz32((nanoseconds - 1) >>> 10);
  histogram[nanoseconds <= 1024 ? 0 : bucket]!++;
}

/** The greatest time that counts as one of a bucket's in Redis's histograms, which have two significant digits. */
function topMicroseconds(bucket: number): number {
  const nanoseconds = 1024 * 2 ** bucket;
  return (nanoseconds + nanoseconds / 128 - 1) / 1000;
}

/** How many calls took at most how many microseconds, for each bucket that is not empty. */
export function cumulated(histogram: readonly number[]): [microseconds: number, calls: number][] {
  const steps: [number, number][] = [];
  let calls = 0;
  for (const [i, count] of histogram.entries()) {
    calls += count;
    if (count > 0) steps.push([Math.floor(topMicroseconds(i)), calls]);
  }
  return steps;
}

/** The time within which a part (in percent) of the calls ended, in microseconds. */
export function percentile(histogram: readonly number[], percent: number): number {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  const wanted = Math.max(1, Math.ceil((percent / 100) * total));
  let calls = 0;
  for (const [i, count] of histogram.entries()) {
    calls += count;
    if (calls >= wanted) return topMicroseconds(i);
  }
  return 0;
}
