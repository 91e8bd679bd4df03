import type { EncodedAppend, EncodedEvent } from '../codec.ts';
import { byteaArray, int4Array, textArray, uuidArray, type BinaryArray } from './binary-array.ts';
import { encodeMetadata } from './stored-metadata.ts';

/** An event of a batch, with what it shares with the others of its append and of its stream. */
export interface EventOfBatch {
  readonly event: EncodedEvent;
  readonly stream: string;
  readonly category: string;
  readonly append: SharedByAppend;
}

/** What all events of an append have in common. */
interface SharedByAppend {
  readonly tenantId: string | null;
  readonly metadata: Buffer;
}

export function sharedByAppend({ metadata }: EncodedAppend): SharedByAppend {
  return { tenantId: metadata.tenantId, metadata: encodeMetadata(metadata) };
}

/** The types of what `eventArrays` gives. */
export const eventArrayTypes = {
  eventId: 'uuid[]',
  eventSchemaVersion: 'int[]',
  eventStream: 'text[]',
  eventCategory: 'text[]',
  eventType: 'text[]',
  eventTenantId: 'text[]',
  eventMetadata: 'bytea[]',
  eventAddress: 'bytea[]',
  eventData: 'bytea[]',
} as const;

/** The columns of `events` that are known before the server has said where they go, in the order of `eventArrayTypes`. */
export function eventArrays(events: readonly EventOfBatch[]): BinaryArray[] {
  return [
    uuidArray(events.map(({ event }) => event.eventId)),
    int4Array(events.map(({ event }) => event.schemaVersion)),
    textArray(events.map(({ stream }) => stream)),
    textArray(events.map(({ category }) => category)),
    textArray(events.map(({ event }) => event.type)),
    textArray(events.map(({ append }) => append.tenantId)),
    byteaArray(events.map(({ append }) => append.metadata)),
    byteaArray(events.map(({ event }) => event.address)),
    byteaArray(events.map(({ event }) => event.data)),
  ];
}
