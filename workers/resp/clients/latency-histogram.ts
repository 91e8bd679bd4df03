import type { CommandStat } from './calls.ts';

/** Bucket i holds what took more than 1024 × 2^(i-1) and at most 1024 × 2^i nanoseconds; longer than a second is a second. */
const NANOSECONDS_MAX = 1e9;

/** Counts what a call took. */
export function countLatency(stat: CommandStat, microseconds: number): void {
  const nanoseconds = Math.min(NANOSECONDS_MAX, microseconds * 1000);
  const bucket = nanoseconds <= 1024 ? 0 : 32 - Math.clz32((nanoseconds - 1) >>> 10);
  let { histogram } = stat;
  // As long as it has to be, which is short: there is one for each command of each node.
  if (histogram === undefined || bucket >= histogram.length) histogram = stat.histogram = upTo(bucket, histogram);
  histogram[bucket]!++;
}

/** The counts of the buckets up to one, from those there were. */
function upTo(bucket: number, before: readonly number[] = []): number[] {
  return Array.from({ length: bucket + 1 }, (_, i) => before[i] ?? 0);
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
