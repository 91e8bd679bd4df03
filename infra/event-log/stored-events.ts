import type { StoredEvent } from './codec.ts';

/** The log's events as they are stored, for those who pass them on without a look into them. */
export interface StoredEvents {
  /** The position of the last event; 0n for an empty log. */
  head(): Promise<bigint>;
  /**
   * Events after a position in their order, at most `batchSize` at once and never none, to the present and on until the signal aborts.
   * Throws while the store is away.
   */
  follow(options: {
    readonly after: bigint;
    readonly batchSize: number;
    readonly signal: AbortSignal;
  }): AsyncIterable<StoredEvent[]>;
  close(): Promise<void>;
}
