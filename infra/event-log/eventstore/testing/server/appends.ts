import status from '@eventstore/db-client/generated/status_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
  DeleteReq,
  DeleteResp,
  TombstoneReq,
  TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import type { sendUnaryData, ServerDuplexStream, ServerReadableStream, ServerUnaryCall } from '@grpc/grpc-js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';

import { admit, type Surroundings } from './calls.ts';
import type { Expected, Journal, Proposed, WriteResult } from './journal.ts';
import { errors, identifierOf, idOf, streamNameOf, uuidOf } from './replies.ts';

/** `MaxAppendSize` of a server that nobody configured. */
const appendBytesMax = 1024 * 1024;

type ProposedMessage = AppendReq.ProposedMessage | BatchAppendReq.ProposedMessage;

function proposedOf(message: ProposedMessage): Proposed {
  const type = message.getMetadataMap().get('type');
  const contentType = message.getMetadataMap().get('content-type');
  if (type === undefined || contentType === undefined) throw errors.invalidArgument('type or content-type');
  return {
    id: idOf(message.getId()),
    type,
    isJson: contentType === 'application/json',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

function sizeOf(events: readonly Proposed[]): number {
  return events.reduce((sum, { type, data, metadata }) => sum + type.length * 2 + data.length + metadata.length, 0);
}

interface ExpectedRevision {
  hasAny(): boolean;
  hasNoStream(): boolean;
  hasStreamExists(): boolean;
}

function expectedOf(options: ExpectedRevision, revision: () => string): Expected {
  if (options.hasAny()) return 'any';
  if (options.hasNoStream()) return 'no-stream';
  return options.hasStreamExists() ? 'exists' : BigInt(revision());
}

/** One append, its events streamed in. */
export function append(journal: Journal, surroundings: Surroundings) {
  return (call: ServerReadableStream<AppendReq, AppendResp>, reply: sendUnaryData<AppendResp>): void => {
    let options: AppendReq.Options | undefined;
    const events: Proposed[] = [];
    call.on('data', (message: AppendReq) => {
      options ??= message.getOptions();
      const proposed = message.getProposedMessage();
      if (proposed !== undefined) events.push(proposedOf(proposed));
    });
    call.on('end', () => {
      try {
        const given = options;
        if (given === undefined) throw errors.invalidArgument('options');
        const stream = streamNameOf(given.getStreamIdentifier());
        const fate = admit(surroundings, call.metadata, 'append', stream);
        if (sizeOf(events) > appendBytesMax) throw errors.appendTooLarge(appendBytesMax);
        const expected = expectedOf(given, () => given.getRevision());
        const result = journal.append(stream, expected, events);
        if (fate === 'lose-answer') throw errors.unavailable();
        reply(null, appendReply(stream, expected, result));
      } catch (error) {
        reply(error as Error);
      }
    });
  };
}

function appendReply(stream: string, expected: Expected, result: WriteResult): AppendResp {
  const response = new streams.AppendResp();
  switch (result.kind) {
    case 'deleted':
      throw errors.streamDeleted(stream);
    case 'written': {
      const position = new streams.AppendResp.Position();
      position.setCommitPosition(String(result.position)).setPreparePosition(String(result.position));
      const success = new streams.AppendResp.Success().setPosition(position);
      return response.setSuccess(success.setCurrentRevision(String(result.revision)));
    }
    case 'wrong-version': {
      const wrong = new streams.AppendResp.WrongExpectedVersion();
      if (result.current === null) wrong.setCurrentNoStream(new shared.Empty());
      else wrong.setCurrentRevision(String(result.current));
      if (expected === 'any') wrong.setExpectedAny(new shared.Empty());
      else if (expected === 'no-stream') wrong.setExpectedNoStream(new shared.Empty());
      else if (expected === 'exists') wrong.setExpectedStreamExists(new shared.Empty());
      else wrong.setExpectedRevision(String(expected));
      return response.setWrongExpectedVersion(wrong);
    }
  }
}

interface Gathering {
  readonly options: BatchAppendReq.Options;
  readonly events: Proposed[];
}

/** Many appends over one stream of messages, each under a correlation id and possibly in several pieces. */
export function batchAppend(journal: Journal, surroundings: Surroundings) {
  return (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void => {
    const gathering = new Map<string, Gathering>();
    call.on('data', (message: BatchAppendReq) => {
      const id = idOf(message.getCorrelationId());
      const options = message.getOptions();
      if (options !== undefined) gathering.set(id, { options, events: [] });
      const gathered = gathering.get(id);
      if (gathered === undefined) return;
      try {
        gathered.events.push(...message.getProposedMessagesList().map(proposedOf));
        if (!message.getIsFinal()) return;
        gathering.delete(id);
        const stream = streamNameOf(gathered.options.getStreamIdentifier());
        const fate = admit(surroundings, call.metadata, 'batchAppend', stream);
        const response = batchReply(journal, stream, gathered);
        if (fate === 'lose-answer') throw errors.unavailable();
        call.write(response.setCorrelationId(uuidOf(id)).setStreamIdentifier(identifierOf(stream)));
      } catch (error) {
        call.emit('error', error);
      }
    });
    call.on('error', () => {});
    call.on('end', () => call.end());
  };
}

function batchReply(journal: Journal, stream: string, { options, events }: Gathering): BatchAppendResp {
  const response = new streams.BatchAppendResp();
  const deadline = options.getDeadline()?.toDate();
  if (deadline !== undefined && deadline.getTime() <= Date.now())
    return response.setError(problem(new shared.Timeout(), 'Timeout'));
  if (sizeOf(events) > appendBytesMax) {
    const tooLarge = new shared.MaximumAppendSizeExceeded().setMaxappendsize(appendBytesMax);
    return response.setError(problem(tooLarge, 'MaximumAppendSizeExceeded'));
  }
  const expected = expectedOf(options, () => options.getStreamPosition());
  const result = journal.append(stream, expected, events);
  switch (result.kind) {
    case 'deleted': {
      const deleted = new shared.StreamDeleted().setStreamIdentifier(identifierOf(stream));
      return response.setError(problem(deleted, 'StreamDeleted'));
    }
    case 'written': {
      const position = new shared.AllStreamPosition().setCommitPosition(String(result.position));
      const success = new streams.BatchAppendResp.Success().setCurrentRevision(String(result.revision));
      return response.setSuccess(success.setPosition(position.setPreparePosition(String(result.position))));
    }
    case 'wrong-version': {
      const wrong = new shared.WrongExpectedVersion();
      if (result.current === null) wrong.setCurrentNoStream(new empty.Empty());
      else wrong.setCurrentStreamRevision(String(result.current));
      if (expected === 'any') wrong.setExpectedAny(new empty.Empty());
      else if (expected === 'no-stream') wrong.setExpectedNoStream(new empty.Empty());
      else if (expected === 'exists') wrong.setExpectedStreamExists(new empty.Empty());
      else wrong.setExpectedStreamPosition(String(expected));
      return response.setError(problem(wrong, 'WrongExpectedVersion'));
    }
  }
}

function problem(details: { serializeBinary(): Uint8Array }, name: string) {
  const packed = new any.Any();
  packed.pack(details.serializeBinary(), `event_store.client.${name}`);
  return new status.Status().setMessage(name).setDetails(packed);
}

/** Soft deletion: the stream is empty, and whoever writes to it brings it back. */
export function softDelete(journal: Journal, surroundings: Surroundings) {
  return (call: ServerUnaryCall<DeleteReq, DeleteResp>, reply: sendUnaryData<DeleteResp>): void => {
    answer(reply, () => {
      const options = call.request.getOptions() ?? new streams.DeleteReq.Options();
      const stream = streamNameOf(options.getStreamIdentifier());
      admit(surroundings, call.metadata, 'delete', stream);
      const expected = expectedOf(options, () => options.getRevision());
      const position = positionOf('Delete', stream, expected, journal.softDelete(stream, expected));
      const { Position } = streams.DeleteResp;
      return new streams.DeleteResp().setPosition(
        new Position().setCommitPosition(position).setPreparePosition(position),
      );
    });
  };
}

/** Hard deletion: the stream can never be used again. */
export function tombstone(journal: Journal, surroundings: Surroundings) {
  return (call: ServerUnaryCall<TombstoneReq, TombstoneResp>, reply: sendUnaryData<TombstoneResp>): void => {
    answer(reply, () => {
      const options = call.request.getOptions() ?? new streams.TombstoneReq.Options();
      const stream = streamNameOf(options.getStreamIdentifier());
      admit(surroundings, call.metadata, 'tombstone', stream);
      const expected = expectedOf(options, () => options.getRevision());
      const position = positionOf('Tombstone', stream, expected, journal.tombstone(stream, expected));
      const { Position } = streams.TombstoneResp;
      return new streams.TombstoneResp().setPosition(
        new Position().setCommitPosition(position).setPreparePosition(position),
      );
    });
  };
}

function positionOf(operation: string, stream: string, expected: Expected, result: WriteResult): string {
  if (result.kind === 'written') return String(result.position);
  if (result.kind === 'deleted') throw errors.streamDeleted(stream);
  throw errors.wrongVersion(operation, stream, String(expected), result.current);
}

/** Answers a unary call with what a function returns or throws. */
export function answer<Response>(reply: sendUnaryData<Response>, work: () => Response): void {
  try {
    reply(null, work());
  } catch (error) {
    reply(error as Error);
  }
}
