import type { Actor, Metadata } from '#domains/kernel/envelope.ts';
import {
  binaryEvent,
  jsonEvent,
  type BinaryEventType,
  type EventData,
  type RecordedEvent as EsEvent,
} from '@eventstore/db-client';
import { v5 as uuidv5 } from 'uuid';

import type { EncodedEvent, StoredEvent } from '../codec.ts';

/** The category of the streams on which it is decided what becomes of an append; nobody else may write there. */
export const decisionCategory = 'decision';
export const decisionStreamOf = (commandUid: string) => `${decisionCategory}-${commandUid}`;

/** One try to record an append. Its events count once it is decided that they do; see docs/decisions on the order of writes. */
export interface Attempt {
  readonly commandUid: string;
  /** A UUID of this try alone. */
  readonly attempt: string;
}

/** An event of ours as EventStoreDB holds it, with what the settling of appends needs to know. */
export interface Written {
  readonly event: StoredEvent;
  readonly attempt: Attempt;
  /** The version its stream was settled at when it was written; -1: nothing was. Its own version lies behind it. */
  readonly base: number;
  readonly revision: bigint;
}

/** What was decided: the try counts, or never will. */
export type Decision =
  | {
      readonly committed: true;
      readonly attempt: string;
      /** What was asked for, so that a repeat is told from another append under the same id. */
      readonly digest: string;
      readonly firstPosition: bigint;
      readonly lastPosition: bigint;
      /** Where the events are, in their order. */
      readonly places: readonly Place[];
    }
  | { readonly committed: false; readonly attempt: string };

/** A run of events on one stream. */
export interface Place {
  readonly stream: string;
  readonly version: number;
  readonly count: number;
}

export const committedType = 'AppendCommitted';
export const abortedType = 'AppendAborted';

/** What stands in an event's metadata. `$correlationId` and `$causationId` are the names by which EventStoreDB's own tools look. */
interface Circumstances {
  readonly format: 'miniredis-1';
  readonly eventId: string;
  readonly version: number;
  readonly base: number;
  readonly schemaVersion: number;
  readonly commandUid: string;
  readonly attempt: string;
  readonly actor: Actor;
  /** The source address as ciphertext, base64. */
  readonly address: string | null;
  readonly commandId: string;
  readonly $correlationId: string;
  readonly $causationId?: string;
  readonly trace: string | null;
  readonly tenantId: string | null;
}

/** Events of one stream as they are sent, after those that its version `base` ends. */
export function proposed(
  events: readonly EncodedEvent[],
  base: number,
  metadata: Metadata,
  { commandUid, attempt }: Attempt,
): EventData<BinaryEventType>[] {
  return events.map(({ eventId, type, schemaVersion, address, data }, n) => {
    const circumstances: Circumstances = {
      format: 'miniredis-1',
      eventId,
      version: base + 1 + n,
      base,
      schemaVersion,
      commandUid,
      attempt,
      actor: metadata.actor,
      address: address === null ? null : address.toString('base64'),
      commandId: metadata.commandId,
      $correlationId: metadata.correlationId,
      ...(metadata.causationId === null ? {} : { $causationId: metadata.causationId }),
      trace: metadata.trace,
      tenantId: metadata.tenantId,
    };
    // The id of the record is of the try, so that sending it again is recognised, and another try of the same event is not.
    return binaryEvent({
      id: uuidv5(eventId, attempt),
      type,
      data,
      metadata: Buffer.from(JSON.stringify(circumstances)),
    });
  });
}

/** An event of ours; null for what somebody else has written. */
export function writtenOf(event: EsEvent): Written | null {
  const circumstances = event.metadata as Circumstances | undefined;
  if (circumstances?.format !== 'miniredis-1' || event.isJson) return null;
  const { commandUid, attempt, base, address } = circumstances;
  return {
    base,
    revision: event.revision,
    attempt: { commandUid, attempt },
    event: {
      position: positionOf(event),
      eventId: circumstances.eventId,
      stream: event.streamId,
      version: circumstances.version,
      type: event.type,
      schemaVersion: circumstances.schemaVersion,
      recordedAt: event.created.toISOString(),
      address: address === null ? null : Buffer.from(address, 'base64'),
      data: Buffer.from(event.data),
      metadata: {
        actor: circumstances.actor,
        commandId: circumstances.commandId,
        correlationId: circumstances.$correlationId,
        causationId: circumstances.$causationId ?? null,
        trace: circumstances.trace,
        tenantId: circumstances.tenantId,
      },
    },
  };
}

/** Where an event lies in the log. Servers before 22.6 do not tell it where a stream is read. */
export function positionOf({ position, streamId }: EsEvent): bigint {
  // What the server does not know it gives as the largest number of 64 bits.
  if (position === undefined || position.commit >= 2n ** 63n) {
    throw new Error(`EventStoreDB tells no position for an event of ${streamId}; version 22.6 or later is needed.`);
  }
  return position.commit;
}

export function decisionEvent(commandUid: string, decision: Decision): EventData {
  const { attempt } = decision;
  const id = uuidv5(`${decision.committed}`, attempt);
  if (!decision.committed) return jsonEvent({ id, type: abortedType, data: { attempt } });
  const { digest, firstPosition, lastPosition, places } = decision;
  // JSON's numbers are no place for 64 bits.
  const data = { attempt, digest, firstPosition: `${firstPosition}`, lastPosition: `${lastPosition}`, places };
  return jsonEvent({ id, type: committedType, data: data as never, metadata: { commandUid } });
}

/** A decision that is read back; null for what is none. */
export function decisionOf(event: EsEvent): (Decision & { readonly commandUid: string }) | null {
  const prefix = decisionStreamOf('');
  if (!event.isJson || !event.streamId.startsWith(prefix)) return null;
  const commandUid = event.streamId.slice(prefix.length);
  const data = event.data as unknown as Record<'attempt' | 'digest' | 'firstPosition' | 'lastPosition', string> & {
    places: Place[];
  };
  const { attempt } = data;
  if (event.type === abortedType) return { committed: false, attempt, commandUid };
  if (event.type !== committedType) return null;
  const { digest, places } = data;
  const [firstPosition, lastPosition] = [BigInt(data.firstPosition), BigInt(data.lastPosition)];
  return { committed: true, attempt, commandUid, digest, firstPosition, lastPosition, places };
}
