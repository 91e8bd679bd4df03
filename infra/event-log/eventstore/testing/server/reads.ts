import { once } from 'node:events';

import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerWritableStream } from '@grpc/grpc-js';

import { admit, type Surroundings } from './calls.ts';
import { filterOf, type Filter } from './filters.ts';
import type { Journal, LogRecord } from './journal.ts';
import { errors, fillRecorded, identifierOf, streamNameOf } from './replies.ts';

type Call = ServerWritableStream<ReadReq, ReadResp>;

/** Reads a stream or `$all`, once or for ever, as the options of the request say. */
export function read(journal: Journal, surroundings: Surroundings) {
  return (call: Call): void => {
    serve(journal, surroundings, call)
      .then(() => call.end())
      .catch((error: Error) => call.emit('error', error));
  };
}

async function serve(journal: Journal, surroundings: Surroundings, call: Call): Promise<void> {
  const options = call.request.getOptions();
  if (options?.getUuidOption() === undefined) throw errors.invalidArgument('uuidOption');
  const stream = options.getStream();
  const name = stream === undefined ? '$all' : streamNameOf(stream.getStreamIdentifier());
  const fate = admit(surroundings, call.metadata, options.hasSubscription() ? 'subscribe' : 'read', name);
  if (fate === 'lose-answer') throw errors.unavailable();
  const backwards = options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS;
  const filter = filterOf(options.getFilter());
  if (options.hasSubscription()) return follow(journal, call, options, name, filter);
  const count = Number(options.getCount());
  if (stream !== undefined) return readStream(journal, call, name, revisionOf(stream), backwards, count);
  return readAll(journal, call, allPositionOf(options), backwards, count, filter);
}

function revisionOf(stream: ReadReq.Options.StreamOptions): bigint | 'start' | 'end' {
  if (stream.hasStart()) return 'start';
  return stream.hasEnd() ? 'end' : BigInt(stream.getRevision());
}

function allPositionOf(options: ReadReq.Options): bigint | 'start' | 'end' {
  const position = options.getAll()?.getPosition();
  if (position !== undefined) return BigInt(position.getCommitPosition());
  return options.getAll()?.hasEnd() === true ? 'end' : 'start';
}

async function readStream(
  journal: Journal,
  call: Call,
  name: string,
  from: bigint | 'start' | 'end',
  backwards: boolean,
  count: number,
): Promise<void> {
  const { state, records } = journal.readStream(name, from, backwards, count);
  if (state === 'deleted') throw errors.streamDeleted(name);
  if (state === 'not-found') {
    const missing = new streams.ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(name));
    await send(call, new streams.ReadResp().setStreamNotFound(missing));
  }
  for (const record of records) await send(call, eventReply(record));
}

async function readAll(
  journal: Journal,
  call: Call,
  from: bigint | 'start' | 'end',
  backwards: boolean,
  count: number,
  filter: Filter,
): Promise<void> {
  const start = journal.seek(from, backwards);
  if (start === null) throw errors.invalidPosition();
  const step = backwards ? -1 : 1;
  let left = count;
  // Reading backward from a position begins with the record before it, reading forward with the one at it.
  for (let n = backwards ? start - 1 : start; left > 0; n += step) {
    const record = journal.all[n];
    if (record === undefined || call.cancelled) return;
    if (!journal.isVisible(record) || !filter.passes(record)) continue;
    left -= 1;
    await send(call, eventReply(record));
  }
}

/** A catch-up subscription: what is there, the word that this was all, and then whatever comes. */
async function follow(
  journal: Journal,
  call: Call,
  options: ReadReq.Options,
  name: string,
  filter: Filter,
): Promise<void> {
  const confirmation = new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(crypto.randomUUID());
  await send(call, new streams.ReadResp().setConfirmation(confirmation));
  const stream = options.getStream();
  let next = stream === undefined ? firstAfter(journal, allPositionOf(options)) : 0;
  const after = stream === undefined ? 'start' : afterRevision(journal, name, revisionOf(stream));
  const wanted = (record: LogRecord) =>
    name === '$all' || (record.stream === name && (after === 'start' || record.revision > after));
  let considered = 0;
  let told = false;
  while (!call.cancelled) {
    const record = journal.all[next];
    if (record === undefined) {
      if (!told) await send(call, new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp()));
      told = true;
      await nextWrite(journal, call);
      continue;
    }
    next += 1;
    if (name !== '$all' && record.stream === name && record.type === '$streamDeleted') throw errors.streamDeleted(name);
    considered += 1;
    if (wanted(record) && journal.isVisible(record) && filter.passes(record)) await send(call, eventReply(record));
    if (considered < filter.checkpointEvery) continue;
    considered = 0;
    await send(call, checkpointReply(record));
  }
}

/** The index of the first record after a position. Whoever is at the end or beyond waits for what comes after it. */
function firstAfter(journal: Journal, position: bigint | 'start' | 'end'): number {
  if (position === 'start') return 0;
  const last = journal.all.at(-1)?.position ?? 0n;
  if (position === 'end') return journal.all.length;
  if (position >= last) return journal.all.length;
  const index = journal.seek(position, false);
  if (index === null) throw errors.invalidPosition();
  return index + 1;
}

function afterRevision(journal: Journal, name: string, from: bigint | 'start' | 'end'): bigint | 'start' {
  if (from !== 'end') return from;
  return journal.readStream(name, 'end', true, 1).records[0]?.revision ?? 'start';
}

async function nextWrite(journal: Journal, call: Call): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      forget();
      call.off('cancelled', done);
      resolve();
    };
    const forget = journal.onWrite(done);
    call.once('cancelled', done);
  });
}

function eventReply(record: LogRecord): ReadResp {
  const event = new streams.ReadResp.ReadEvent();
  event.setEvent(fillRecorded(new streams.ReadResp.ReadEvent.RecordedEvent(), record));
  event.setCommitPosition(String(record.position));
  return new streams.ReadResp().setEvent(event);
}

function checkpointReply({ position }: LogRecord): ReadResp {
  const checkpoint = new streams.ReadResp.Checkpoint();
  checkpoint.setCommitPosition(String(position)).setPreparePosition(String(position));
  return new streams.ReadResp().setCheckpoint(checkpoint);
}

/** Writes at the client's pace. */
async function send(call: Call, response: ReadResp): Promise<void> {
  if (call.cancelled || call.write(response)) return;
  const settled = new AbortController();
  const { signal } = settled;
  await Promise.race([once(call, 'drain', { signal }), once(call, 'cancelled', { signal })]).catch(() => {});
  settled.abort();
}
