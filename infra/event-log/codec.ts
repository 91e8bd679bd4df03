import type { Metadata, RecordedEvent } from '#domains/kernel/envelope.ts';

import type { Append } from './event-log.ts';

/** An event as it is stored: bytes that only the codec understands, with what the log itself must know beside them. */
export interface EncodedEvent {
  readonly eventId: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly address: Buffer | null;
  readonly data: Buffer;
}

/** A stored event with its place in the log. */
export interface StoredEvent extends EncodedEvent {
  readonly position: bigint;
  readonly stream: string;
  readonly version: number;
  readonly recordedAt: string;
  readonly metadata: Omit<Metadata, 'address'>;
}

/** An append whose events are encoded; `streams[n].events` follow each other in the order of their ids. */
export interface EncodedAppend {
  readonly commandUid: string;
  readonly metadata: Metadata;
  readonly streams: readonly {
    readonly stream: string;
    readonly category: string;
    readonly expectedVersion: Append['streams'][number]['expectedVersion'];
    readonly events: readonly EncodedEvent[];
  }[];
}

/**
 * Translates between what the program knows of events and what a log stores: the room's one door to schemas and encryption. The
 * same append must always give the same bytes, since a repeat is recognised by them.
 */
export interface Codec {
  /** Throws a TypeError that names the field when an event does not fit its schema. */
  encode(append: Append): Promise<EncodedAppend>;
  /** Personal fields of subjects who were erased come out as null. */
  decode(events: readonly StoredEvent[]): Promise<RecordedEvent[]>;
}
