import shared from '@eventstore/db-client/generated/shared_pb.js';
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';

import type { LogRecord } from './journal.ts';

/** Ticks of .NET: 100 nanoseconds. */
const ticksPerMillisecond = 10_000n;

/** An error as the server puts it on the wire: a status, and trailing metadata that says which exception of the client's it is. */
function rpcError(code: status, details: string, exception: Record<string, string> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(exception)) metadata.set(key, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

export const errors = {
  accessDenied: () => rpcError(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' }),
  unauthenticated: () => rpcError(status.UNAUTHENTICATED, 'Unauthenticated'),
  invalidPosition: () => rpcError(status.INVALID_ARGUMENT, 'Trying to read from an invalid position.'),
  invalidArgument: (what: string) => rpcError(status.INVALID_ARGUMENT, `${what} is missing or wrong.`),
  unavailable: () => rpcError(status.UNAVAILABLE, 'The server was told to fail here.'),
  streamDeleted: (stream: string) =>
    rpcError(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
      exception: 'stream-deleted',
      'stream-name': stream,
    }),
  wrongVersion: (operation: string, stream: string, expected: string, current: bigint | null) =>
    rpcError(
      status.FAILED_PRECONDITION,
      `${operation} failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${current ?? ''}`,
      {
        exception: 'wrong-expected-version',
        'stream-name': stream,
        'expected-version': expected,
        ...(current === null ? {} : { 'actual-version': `${current}` }),
      },
    ),
  appendTooLarge: (max: number) =>
    rpcError(status.INVALID_ARGUMENT, `Maximum Append Size of ${max} Exceeded.`, {
      exception: 'maximum-append-size-exceeded',
      'maximum-append-size': String(max),
    }),
  groupMissing: (stream: string, group: string) =>
    rpcError(status.NOT_FOUND, `Subscription group ${group} on stream ${stream} does not exist.`, {
      exception: 'persistent-subscription-does-not-exist',
      'stream-name': stream,
      'group-name': group,
    }),
  groupExists: (stream: string, group: string) =>
    rpcError(status.ALREADY_EXISTS, `Subscription group ${group} on stream ${stream} exists.`, {
      exception: 'persistent-subscription-exists',
      'stream-name': stream,
      'group-name': group,
    }),
  groupFull: (stream: string, group: string) =>
    rpcError(status.FAILED_PRECONDITION, `Maximum subscriptions reached for ${group} on ${stream}.`, {
      exception: 'maximum-subscribers-reached',
      'stream-name': stream,
      'group-name': group,
    }),
  groupDropped: (stream: string, group: string) =>
    rpcError(status.CANCELLED, `Subscription group ${group} on stream ${stream} was dropped.`, {
      exception: 'persistent-subscription-dropped',
      'stream-name': stream,
      'group-name': group,
    }),
} as const;

/** The text of an id, in whichever form it came. */
export function idOf(uuid: shared.UUID | undefined): string {
  const structured = uuid?.getStructured();
  if (structured === undefined) return uuid?.getString() ?? '';
  const half = (bits: string) => BigInt.asUintN(64, BigInt(bits)).toString(16).padStart(16, '0');
  const hex = half(structured.getMostSignificantBits()) + half(structured.getLeastSignificantBits());
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function uuidOf(id: string): shared.UUID {
  return new shared.UUID().setString(id);
}

export function streamNameOf(identifier: shared.StreamIdentifier | undefined): string {
  return identifier === undefined ? '' : Buffer.from(identifier.getStreamName_asU8()).toString('utf8');
}

export function identifierOf(stream: string): shared.StreamIdentifier {
  return new shared.StreamIdentifier().setStreamName(Uint8Array.from(Buffer.from(stream, 'utf8')));
}

type RecordedEvent = ReadResp.ReadEvent.RecordedEvent;

/** Fills a `RecordedEvent` of either service: both have the same fields. */
export function fillRecorded<Message extends Pick<RecordedEvent, FieldsOfRecorded>>(
  message: Message,
  record: LogRecord,
): Message {
  message.setId(uuidOf(record.id));
  message.setStreamIdentifier(identifierOf(record.stream));
  message.setStreamRevision(String(record.revision));
  message.setCommitPosition(String(record.position));
  message.setPreparePosition(String(record.position));
  message.setData(record.data);
  message.setCustomMetadata(record.metadata);
  message.getMetadataMap().set('type', record.type);
  message.getMetadataMap().set('created', String(BigInt(record.created.getTime()) * ticksPerMillisecond));
  message.getMetadataMap().set('content-type', record.isJson ? 'application/json' : 'application/octet-stream');
  return message;
}

type FieldsOfRecorded =
  | 'setId'
  | 'setStreamIdentifier'
  | 'setStreamRevision'
  | 'setCommitPosition'
  | 'setPreparePosition'
  | 'setData'
  | 'setCustomMetadata'
  | 'getMetadataMap';
