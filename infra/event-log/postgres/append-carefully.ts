import type { ClientBase } from 'pg';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult, ExpectedVersion } from '../event-log.ts';
import { byteaArray, int4Array, textArray, uuidArray, type BinaryArray } from './binary-array.ts';
import { contentOf } from './content.ts';
import { eventArrays, eventArrayTypes, sharedByAppend, type EventOfBatch } from './event-arrays.ts';

/** What became of an append that was not recorded; of append 0, where the log ended before the batch. */
interface Row {
  readonly append: number;
  readonly outcome: 'repeated' | 'version' | 'event-id' | null;
  readonly first_position: bigint;
  readonly last_position: bigint;
  readonly conflict_stream: number;
  readonly conflict_version: number;
}

/**
 * Calls `append_events` (see the migration) for many appends at once, whatever they expect; the results are in the order of the
 * appends.
 */
export async function appendCarefully(client: ClientBase, batch: readonly EncodedAppend[]): Promise<AppendResult[]> {
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
  'int[] int[] int[] int[]',
  ...Object.values(eventArrayTypes),
];
const statement = `SELECT * FROM append_events(${types
  .flatMap((some) => some.split(' '))
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

  for (const [a, append] of batch.entries()) {
    const before = events.length;
    const shared = sharedByAppend(append);
    for (const { stream: name, category, expectedVersion, events: added } of append.streams) {
      let number = numbers.get(name);
      if (number === undefined) {
        number = numbers.size + 1;
        numbers.set(name, number);
      }
      const pin = pins.push({ stream: number, expected: expectedNumber(expectedVersion), events: added.length });
      const of = { stream: name, category, append: shared, place: { append: a + 1, pin, stream: number } };
      for (const [offset, event] of added.entries()) events.push({ ...of, offset, event });
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
      int4Array(events.map(({ place }) => place.append)),
      int4Array(events.map(({ place }) => place.pin)),
      int4Array(events.map(({ place }) => place.stream)),
      int4Array(events.map(({ offset }) => offset)),
      ...eventArrays(events),
    ],
  };
}

/** An event, whose append, pin and stream it is, and the how many-th of its pin. */
interface EventRow extends EventOfBatch {
  readonly place: { readonly append: number; readonly pin: number; readonly stream: number };
  readonly offset: number;
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
