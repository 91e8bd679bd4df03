import type { RecordedEvent } from '#domains/kernel/envelope.ts';

/** How often a failed effect is tried before its stream is parked, and how long the waits between are. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly delayMin_ms: number;
  readonly delayMax_ms: number;
}

/** What an effect may use to make itself safe against an owner that has been replaced without knowing it. */
export interface Delivery {
  readonly group: string;
  readonly shard: number;
  /** The fencing token: grows with each new owner of the shard. What has seen a higher one refuses a lower one. */
  readonly epoch: bigint;
}

/** When an event of these types is in the log, something is to happen outside of it. */
export interface Consumer {
  /** Names the group, and with it the checkpoints; so it stays as it is once it has run anywhere. */
  readonly name: string;
  readonly categories: readonly string[];
  readonly types: readonly string[];
  readonly policy: RetryPolicy;
  /** A transient failure is not the event's fault and is retried for ever: what is needed is away, and comes back. */
  isTransient(error: unknown): boolean;
  /** Called at least once an event, in order within a stream: a repeat must change nothing, so key effects by the event's id. */
  handle(event: RecordedEvent, delivery: Delivery): Promise<void>;
}

/** What became of effects goes here; any logger with these methods will do, such as pino's. */
export interface ConsumerLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How long to wait after the `attempt`th failure (from 1). */
export function delayAfter(attempt: number, { delayMin_ms, delayMax_ms }: RetryPolicy): number {
  return Math.min(delayMax_ms, delayMin_ms * 2 ** Math.min(attempt - 1, 30));
}

/** The shard of a stream: FNV-1a of its name in UTF-8, so that every process at every version says the same. */
export function shardOf(stream: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(stream)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % shards;
}
