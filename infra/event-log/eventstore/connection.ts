import {
  EventStoreDBClient,
  StreamNotFoundError,
  WrongExpectedVersionError,
  type AllStreamSubscription,
  type EventData,
  type Filter,
  type RecordedEvent as EsEvent,
} from '@eventstore/db-client';

import { LogUnavailable } from '../log-unavailable.ts';
import { isTransient as isTransientInPostgres, patiently as patientlyWith } from '../postgres/transient.ts';

/** How long the server has for one answer before it is asked again. */
const answerMs = 5_000;

/** EventStoreDB did not answer, or not in time. */
export class NotAnswered extends Error {
  override readonly name = 'NotAnswered';
}

/**
 * The few things that the log asks of EventStoreDB. All but `follow` are asked again for some time while the server is away,
 * which is safe (a write that is sent again is recognised by its ids and its place), and then throw `LogUnavailable`.
 */
export interface Connection {
  /** Writes events behind a revision (null: the stream is not there yet); false when it is at another one. A repeat is recognised. */
  write(stream: string, after: bigint | null, events: EventData[]): Promise<false | { readonly position: bigint }>;
  /** At most `count` events of a stream (default: all) from a revision on (`end`: the last one); none where there is no stream. */
  readStream(stream: string, from: bigint | 'start' | 'end', direction: Direction, count?: number): Promise<EsEvent[]>;
  /** At most `count` events of the whole log before a position, the latest first. */
  readAllBackward(before: bigint | 'end', count: number): Promise<EsEvent[]>;
  /** Everything behind a position that passes the filter, for ever. */
  follow(after: bigint, filter: Filter, bufferSize: number): AllStreamSubscription;
  close(): Promise<void>;
}

type Direction = 'forwards' | 'backwards';

/** Connects when it is first used. The address is a connection string: `esdb://user:password@host:2113?tls=true`. */
export function connect(url: string, patienceMs: number): Connection {
  // The client's batched appends keep the promises of a whole process in one table: when one connection fails, those of all others
  // are rejected, and an answer that comes later ends the process. So it is told that no server knows them; plain appends it is.
  const client = Object.assign(EventStoreDBClient.connectionString(url), { supports: () => Promise.resolve(false) });
  return {
    async write(stream, after, events) {
      const expectedRevision = after ?? 'no_stream';
      try {
        const result = await patiently(patienceMs, () =>
          inTime(client.appendToStream(stream, events, { expectedRevision })),
        );
        if (result.position === undefined) throw new Error(`EventStoreDB wrote to ${stream} and does not tell where.`);
        return { position: result.position.commit };
      } catch (error) {
        if (error instanceof WrongExpectedVersionError) return false;
        throw error;
      }
    },
    readStream: (stream, fromRevision, direction, maxCount = Number.MAX_SAFE_INTEGER) =>
      patiently(patienceMs, () => gather(client.readStream(stream, { fromRevision, direction, maxCount }))),
    readAllBackward(before, maxCount) {
      const fromPosition = before === 'end' ? before : { commit: before, prepare: before };
      return patiently(patienceMs, () => gather(client.readAll({ direction: 'backwards', maxCount, fromPosition })));
    },
    follow: (after, filter, highWaterMark) =>
      client.subscribeToAll(
        { fromPosition: after === 0n ? 'start' : { commit: after, prepare: after }, filter },
        { highWaterMark },
      ),
    close: () => client.dispose(),
  };
}

/** All that a bounded read has to give. */
async function gather(read: AsyncIterable<{ event?: EsEvent }> & { cancel(): Promise<void> }): Promise<EsEvent[]> {
  const events: EsEvent[] = [];
  const all = async () => {
    for await (const { event } of read) if (event !== undefined) events.push(event);
    return events;
  };
  try {
    return await inTime(all());
  } catch (error) {
    if (error instanceof StreamNotFoundError) return [];
    await read.cancel().catch(() => {});
    throw error;
  }
}

async function inTime<Result>(answer: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new NotAnswered(`no answer within ${answerMs} ms`)), answerMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    // An answer that was given up may still fail.
    answer.catch(() => {});
  }
}

/** Errors that say nothing of what was asked for, only that it can't be answered now; by the client's own names for them. */
const passing = new Set(['unavailable', 'cancelled', 'deadline-exceeded', 'timeout', 'not-leader']);
/** What a server says that is on its way up, too busy, or without a leader, and the client when it finds none. */
const passingMessage = /Not Ready|Is Busy|No leader info|Failed to discover|RST_STREAM|GOAWAY|write after end/i;

/**
 * Whether the same may succeed in a moment: the server or the way to it is at fault, or PostgreSQL, which keeps the keys of
 * personal fields.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof NotAnswered || isTransientInPostgres(error)) return true;
  if (!(error instanceof Error)) return false;
  const { type } = error as { type?: unknown };
  return (typeof type === 'string' && passing.has(type)) || passingMessage.test(error.message);
}

/** Whether a server says that nothing begins at a position: it was not one that a log has handed out. */
export function isInvalidPosition(error: unknown): boolean {
  return error instanceof Error && /invalid position|InvalidRead/i.test(error.message);
}

/** The result of something that may well be done again, tried for so long while the server is away; then `LogUnavailable`. */
export function patiently<Result>(patienceMs: number, attempt: () => Promise<Result>): Promise<Result> {
  return patientlyWith(patienceMs, attempt, { isTransient, unavailable });
}

/** The error that tells callers that the log is out of reach. */
export function unavailable(cause: unknown): LogUnavailable {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LogUnavailable(`The event log's EventStoreDB can't be reached (${reason}); try again when it is back.`, {
    cause,
  });
}
