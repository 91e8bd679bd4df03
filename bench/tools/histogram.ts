/** Buckets for each doubling, so that a value is known to about 2 %. */
const PER_DOUBLING = 32;
const BUCKETS = 32 * PER_DOUBLING;

/** Counts of latencies by size, small enough to be sent from one process to another and added up. */
export type Histogram = number[];

export const emptyHistogram = (): Histogram => Array.from({ length: BUCKETS }, () => 0);

export function record(histogram: Histogram, milliseconds: number): void {
  const bucket = Math.floor(Math.log2(Math.max(1, milliseconds * 1000)) * PER_DOUBLING);
  const index = Math.min(BUCKETS - 1, bucket);
  histogram[index] = (histogram[index] ?? 0) + 1;
}

export function sumOf(histograms: readonly Histogram[]): Histogram {
  return emptyHistogram().map((_, bucket) => histograms.reduce((sum, one) => sum + (one[bucket] ?? 0), 0));
}

/** The latency in milliseconds below which `share` (0 to 1) of those recorded lie. */
export function quantile(histogram: Histogram, share: number): number {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of histogram.entries()) {
    seen += count;
    if (count > 0 && seen >= share * total) return 2 ** ((bucket + 0.5) / PER_DOUBLING) / 1000;
  }
  return Number.NaN;
}
