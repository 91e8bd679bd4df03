import { emptyHistogram, quantile, record, type Histogram } from '../tools/histogram.ts';
import { newNode } from './sample.ts';
import type { Store } from './store.ts';

/** What callers saw who appended for a while. */
export interface Sample {
  readonly perSecond: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}

/** So many callers, each of which appends again as soon as the last append is answered. */
export async function load(store: Store, callers: number, seconds: number): Promise<Sample> {
  const latencies: Histogram = emptyHistogram();
  const began = performance.now();
  const end = began + seconds * 1000;
  let appends = 0;
  const call = async (): Promise<void> => {
    for (let now = performance.now(); now < end;) {
      const { stream, events } = newNode();
      await store.append(stream, events);
      const answered = performance.now();
      record(latencies, answered - now);
      appends += 1;
      now = answered;
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  const perSecond = (appends * 1000) / (performance.now() - began);
  return { perSecond, p50_ms: quantile(latencies, 0.5), p99_ms: quantile(latencies, 0.99) };
}
