import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { Metadata, RecordedEvent } from '#domains/kernel/envelope.ts';

/**
 * What a stream must be for an append to succeed: anything, not there yet, there, or exactly at a version (that of its
 * last event; the first has version 0).
 */
export type ExpectedVersion = 'any' | 'no-stream' | 'exists' | number;

/** One stream's part in an append. Without events it only pins the version: the append holds if nothing moved there. */
export interface StreamAppend {
  readonly stream: string;
  readonly expectedVersion: ExpectedVersion;
  readonly events: readonly DomainEvent[];
}

/** Events for one or more streams that are recorded together or not at all, in the order given. */
export interface Append {
  /** Event ids are uuidv5(commandUid, index within the append), so a repeat is recognised. */
  readonly commandUid: string;
  readonly metadata: Metadata;
  readonly streams: readonly StreamAppend[];
}

export type AppendResult =
  /** `lastPosition` is that of the last event; `repeated` says that these very events were recorded before. */
  | { readonly ok: true; readonly firstPosition: bigint; readonly lastPosition: bigint; readonly repeated: boolean }
  | { readonly ok: false; readonly conflict: 'version'; readonly stream: string; readonly actual: number | null }
  | { readonly ok: false; readonly conflict: 'event-id' };

export interface ReadFilter {
  readonly categories?: readonly string[];
  readonly tenantId?: string;
}

export interface Subscription {
  /** Stops after the batch in hand; resolves when the handler has returned. */
  stop(): Promise<void>;
  /** Rejects when the handler threw: a subscription halts loudly and never skips. Resolves after `stop`. */
  readonly ended: Promise<void>;
}

/** The one source of truth. Adapters are chosen by configuration; this port is all that others see. */
export interface EventLog {
  /** Records the events, or tells which expectation did not hold. Throws only when the outcome could not be learned. */
  append(append: Append): Promise<AppendResult>;
  /** The events of one stream from a version on (default 0), oldest first. */
  readStream(stream: string, options?: { fromVersion?: number; toPosition?: bigint }): Promise<RecordedEvent[]>;
  /** All events after a position (0n: from the start), in order, in bounded memory. `to` is inclusive; default: the head now. */
  readAll(options: {
    after: bigint;
    to?: bigint;
    filter?: ReadFilter;
    batchSize?: number;
  }): AsyncIterable<RecordedEvent[]>;
  /** Calls the handler with batches in order from a position to the present and on. At least once, never a gap. */
  subscribe(options: {
    after: bigint;
    filter?: ReadFilter;
    batchSize?: number;
    handle: (batch: RecordedEvent[], upTo: bigint) => Promise<void>;
  }): Subscription;
  /** The position of the last event; 0n for an empty log. */
  head(): Promise<bigint>;
  /** The last position recorded at or before a time; 0n if none. */
  positionAt(time: Date): Promise<bigint>;
  close(): Promise<void>;
}
