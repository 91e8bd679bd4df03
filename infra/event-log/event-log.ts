import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { Metadata, RecordedEvent } from '#domains/kernel/envelope.ts';

import type { Part } from './part.ts';

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

/** An expectation that did not hold is a value: it says which stream, and the version it is really at (null: not there). */
export type AppendResult =
  /**
   * `lastPosition` is that of the last event; `repeated` says that these very events were recorded before, and where. An append
   * of pins alone has both positions at the head.
   */
  | { readonly ok: true; readonly firstPosition: bigint; readonly lastPosition: bigint; readonly repeated: boolean }
  | { readonly ok: false; readonly conflict: 'version'; readonly stream: string; readonly actual: number | null }
  /** The command's events were recorded before, with another content. */
  | { readonly ok: false; readonly conflict: 'event-id' };

/** Events of any of the categories, of any of the types, and of the tenant, in a part of the streams; what is left out does not restrict. */
export interface ReadFilter {
  readonly categories?: readonly string[];
  readonly types?: readonly string[];
  readonly tenantId?: string;
  /** Of the streams of one part alone: for readers that share the work. */
  readonly part?: Part;
}

/** Which events of a stream, and in which order. */
export interface StreamRange {
  /** The version to begin with; default: the first one, or the last one when reading backward. */
  readonly fromVersion?: number;
  readonly direction?: 'forward' | 'backward';
  /** How many events at most; default: all there are. */
  readonly limit?: number;
  /** The stream as it was when the log ended here. */
  readonly toPosition?: bigint;
}

export interface Subscription {
  /** Stops after the batch in hand; resolves when the handler has returned. */
  stop(): Promise<void>;
  /** Rejects when the handler threw: a subscription halts loudly and never skips. Resolves after `stop`. */
  readonly ended: Promise<void>;
}

/** What not every store can do, so that nobody takes it for granted. */
interface Capabilities {
  /** Whether positions are 1, 2, 3 and so on. Otherwise they only grow, and none may be made up: a position comes from the log. */
  readonly gapless: boolean;
  /** Whether an append over several streams is one write. Otherwise it is several, of which nobody is shown a part. */
  readonly multiStreamAtomic: boolean;
}

/** The state that a stream's events up to a version lead to, as text of JSON. */
export interface Snapshot {
  readonly version: number;
  readonly state: string;
}

/** Where folded states are kept. They may be lost at any time: what is not there is folded from the events. */
export interface Snapshots {
  /** The latest one of a stream; null without one of this shape, which names what a state was folded by and from. */
  read(stream: string, shape: string): Promise<Snapshot | null>;
  /** Keeps it in the place of an older one, or one of another shape. */
  write(stream: string, shape: string, snapshot: Snapshot): Promise<void>;
}

/** The one source of truth. Adapters are chosen by configuration; this port is all that others see. */
export interface EventLog {
  readonly capabilities: Capabilities;
  /**
   * Records the events, or tells which expectation did not hold. Appends made at the same moment travel together, yet each has its
   * own result. Throws `LogUnavailable` when the outcome could not be learned for some ten seconds (making the same append again is
   * safe: its event ids tell), a TypeError or RangeError for what does not fit its schema or the limits, and the store's own error for
   * a value it can't hold; in these cases nothing was recorded.
   */
  append(append: Append): Promise<AppendResult>;
  /** Events of one stream, all at once; none when there is no such stream. */
  readStream(stream: string, range?: StreamRange): Promise<RecordedEvent[]>;
  /**
   * The same in batches of at most `batchSize` (default 500), the next of which is read when it is asked for: however long the
   * stream is, one batch is in memory.
   */
  readStreamBatches(stream: string, range?: StreamRange & { batchSize?: number }): AsyncIterable<RecordedEvent[]>;
  /** The events that the append with this `commandUid` recorded, in their order; none when there is no such append. */
  readAppend(commandUid: string): Promise<RecordedEvent[]>;
  /**
   * All events after a position (0n: from the start), in order, in batches of at most `batchSize` (default 500). While one batch is
   * handled the next is read, and no more than that. `to` is inclusive; default: the head now. The store itself filters, so that
   * what is passed over costs next to nothing.
   */
  readAll(options: {
    after: bigint;
    to?: bigint;
    filter?: ReadFilter;
    batchSize?: number;
  }): AsyncIterable<RecordedEvent[]>;
  /**
   * Calls the handler with batches in order from a position to the present and on, the next one when the last was handled. Each
   * event once, never a gap; a reader that starts again from an older position gets what follows it again. `upTo` is how far the log
   * has been looked at, which is further than the last event where a filter passes over others: keep it as the checkpoint. A batch
   * is empty when that is all there is to tell. Where positions have no gap, one that the log
   * has not come to yet ends it with a RangeError: the log is an older state than the checkpoint.
   */
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
  /** Absent where the adapter has no place for them. */
  readonly snapshots?: Snapshots;
  close(): Promise<void>;
}
