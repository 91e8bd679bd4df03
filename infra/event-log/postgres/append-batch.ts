import type { ClientBase } from 'pg';

import type { EncodedAppend, EncodedEvent } from '../codec.ts';
import type { AppendResult, ExpectedVersion } from '../event-log.ts';
import { byteaArray, int4Array, textArray, uuidArray, type BinaryArray } from './binary-array.ts';
import { contentOf } from './content.ts';
import { encodeMetadata } from './stored-metadata.ts';

/** What became of an append that was not recorded; of append 0, where the log ended before the batch. */
interface Row {
  readonly append: number;
  readonly outcome: 'repeated' | 'version' | 'event-id' | null;
  readonly first_position: bigint;
  readonly last_position: bigint;
  readonly conflict_stream: number;
  readonly conflict_version: number;
}

/** Calls `append_events` (see the migration) for many appends at once; the results are in the order of the appends. */
export async function appendBatch(client: ClientBase, batch: readonly EncodedAppend[]): Promise<AppendResult[]> {
  const { streams, counts, values } = columnsOf(batch);
  const { rows } = await client.query<Row>({ name: 'append', text: statement, values });
  const [before, ...others] = rows;
  if (before === undefined) throw new Error('append_events did not say where the log ended.');
  const exceptions = new Map(others.map((row) => [row.append, row]));
  let end = before.last_position;
  return counts.map((events, a) => {
    const exception = exceptions.get(a + 1);
    if (exception !== undefined) return resultOf(exception, streams);
    const firstPosition = events === 0 ? end : end + 1n;
    end += BigInt(events);
    return { ok: true, firstPosition, lastPosition: end, repeated: false };
  });
}

const types = [
  'text[] uuid[] bytea[] int[] int[]',
  'int[] int[] int[]',
  'int[] int[] int[] int[] uuid[] int[] text[] text[] text[] text[] bytea[] bytea[] bytea[]',
].join(' ');
const statement = `SELECT * FROM append_events(${types
  .split(' ')
  .map((type, n) => `$${n + 1}::${type}`)
  .join(', ')})`;

function resultOf(row: Row, streams: readonly string[]): AppendResult {
  switch (row.outcome) {
    case 'repeated':
      return { ok: true, firstPosition: row.first_position, lastPosition: row.last_position, repeated: true };
    case 'version': {
      const actual = row.conflict_version === -1 ? null : row.conflict_version;
      return { ok: false, conflict: 'version', stream: streams[row.conflict_stream - 1] ?? '', actual };
    }
    case 'event-id':
      return { ok: false, conflict: 'event-id' };
    case null:
      throw new Error('append_events did not say why an append was not recorded.');
  }
}

/** The batch as the arrays that `append_events` takes, in its order. Streams, pins, appends and events are numbered from 1. */
function columnsOf(batch: readonly EncodedAppend[]): { streams: string[]; counts: number[]; values: BinaryArray[] } {
  const numbers = new Map<string, number>();
  const pins: { stream: number; expected: number; events: number }[] = [];
  const events: EventRow[] = [];
  const counts: number[] = [];

  for (const [a, { streams, metadata }] of batch.entries()) {
    const before = events.length;
    const bytes = encodeMetadata(metadata);
    for (const { stream: name, category, expectedVersion, events: added } of streams) {
      let stream = numbers.get(name);
      if (stream === undefined) {
        stream = numbers.size + 1;
        numbers.set(name, stream);
      }
      const pin = pins.push({ stream, expected: expectedNumber(expectedVersion), events: added.length });
      const of = { append: a + 1, pin, stream, name, category, tenantId: metadata.tenantId, metadata: bytes };
      for (const [offset, event] of added.entries()) events.push({ of, offset, event });
    }
    counts.push(events.length - before);
  }
  const streams = [...numbers.keys()];
  return {
    streams,
    counts,
    values: [
      textArray(streams),
      uuidArray(batch.map(({ commandUid }) => commandUid)),
      byteaArray(batch.map(contentOf)),
      int4Array(batch.map((append) => append.streams.length)),
      int4Array(counts),
      int4Array(pins.map((pin) => pin.stream)),
      int4Array(pins.map((pin) => pin.expected)),
      int4Array(pins.map((pin) => pin.events)),
      int4Array(events.map(({ of }) => of.append)),
      int4Array(events.map(({ of }) => of.pin)),
      int4Array(events.map(({ of }) => of.stream)),
      int4Array(events.map(({ offset }) => offset)),
      uuidArray(events.map(({ event }) => event.eventId)),
      int4Array(events.map(({ event }) => event.schemaVersion)),
      textArray(events.map(({ of }) => of.name)),
      textArray(events.map(({ of }) => of.category)),
      textArray(events.map(({ event }) => event.type)),
      textArray(events.map(({ of }) => of.tenantId)),
      byteaArray(events.map(({ of }) => of.metadata)),
      byteaArray(events.map(({ event }) => event.address)),
      byteaArray(events.map(({ event }) => event.data)),
    ],
  };
}

/** An event of the batch, and what it has in common with the others of its pin. */
interface EventRow {
  readonly of: {
    readonly append: number;
    readonly pin: number;
    readonly stream: number;
    readonly name: string;
    readonly category: string;
    readonly tenantId: string | null;
    readonly metadata: Buffer;
  };
  readonly offset: number;
  readonly event: EncodedEvent;
}

function expectedNumber(expected: ExpectedVersion): number {
  switch (expected) {
    case 'any':
      return -3;
    case 'exists':
      return -2;
    case 'no-stream':
      return -1;
    default:
      return expected;
  }
}
