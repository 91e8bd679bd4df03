import type { Histogram } from '../../tools/histogram.ts';
import type { Address } from '../target.ts';

/** What one process of the load generator is to do: SET and GET by turns over some keys of each target. */
export interface Plan {
  readonly targets: readonly Address[];
  readonly connectionsPerTarget: number;
  readonly seconds: number;
  /**
   * Open loop: so many requests leave in a second, whether or not earlier ones are answered, and what one waits for its turn
   * counts. Without it every connection sends its next request when the last is answered (closed loop).
   */
  readonly perSecond?: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** Share of SETs. */
  readonly writes: number;
}

/** What came of it. */
export interface Outcome {
  readonly operations: number;
  readonly seconds: number;
  readonly latencies: Histogram;
  /** What was wrong with replies and connections; a connection that had an error does no more. */
  readonly errors: readonly string[];
}

/** What the generator and its parent say to each other. */
export type ToGenerator = { readonly plan: Plan } | 'go';
export type FromGenerator = 'ready' | { readonly outcome: Outcome };
