import type { ClientBase } from 'pg';

import type { EncodedAppend, EncodedEvent } from '../codec.ts';
import { eventIdOf } from '../event-ids.ts';
import type { AppendResult, ExpectedVersion } from '../event-log.ts';
import { byteaArray, int4Array, textArray, uuidArray, type BinaryArray } from './binary-array.ts';

interface Row {
  readonly outcome: 'recorded' | 'repeated' | 'version' | 'event-id';
  readonly first_position: bigint;
  readonly last_position: bigint;
  readonly conflict_stream: number;
  readonly conflict_version: number;
}

/** Calls `append_events` (see the migration) for many appends at once; the results are in the order of the appends. */
export async function appendBatch(client: ClientBase, batch: readonly EncodedAppend[]): Promise<AppendResult[]> {
  const { streams, values } = columnsOf(batch);
  const { rows } = await client.query<Row>({ name: 'append', text: statement, values });
  return rows.map((row) => resultOf(row, streams));
}

const types =
  'text[] text[] int[] int[] uuid[] uuid[] text[] text[] text[] text[] text[] text[] text[] int[] int[] int[] int[] int[] int[] uuid[] text[] int[] bytea[] bytea[]';
const statement = `SELECT * FROM append_events(${types
  .split(' ')
  .map((type, n) => `$${n + 1}::${type}`)
  .join(', ')})`;

function resultOf(row: Row, streams: readonly string[]): AppendResult {
  switch (row.outcome) {
    case 'recorded':
    case 'repeated':
      return {
        ok: true,
        firstPosition: row.first_position,
        lastPosition: row.last_position,
        repeated: row.outcome === 'repeated',
      };
    case 'version': {
      const actual = row.conflict_version === -1 ? null : row.conflict_version;
      return { ok: false, conflict: 'version', stream: streams[row.conflict_stream - 1] ?? '', actual };
    }
    case 'event-id':
      return { ok: false, conflict: 'event-id' };
  }
}

/** The batch as the arrays that `append_events` takes, in its order. Streams, pins and events are numbered from 1. */
function columnsOf(batch: readonly EncodedAppend[]): { streams: string[]; values: BinaryArray[] } {
  const numbers = new Map<string, number>();
  const categories: string[] = [];
  const pins: { stream: number; expected: number; events: number }[] = [];
  const events: { append: number; pin: number; offset: number; event: EncodedEvent }[] = [];
  const counts: number[] = [];

  for (const [a, { streams }] of batch.entries()) {
    const before = events.length;
    for (const { stream, category, expectedVersion, events: added } of streams) {
      let number = numbers.get(stream);
      if (number === undefined) {
        number = categories.push(category);
        numbers.set(stream, number);
      }
      const pin = pins.push({ stream: number, expected: expectedNumber(expectedVersion), events: added.length });
      for (const [offset, event] of added.entries()) events.push({ append: a + 1, pin, offset, event });
    }
    counts.push(events.length - before);
  }
  const streams = [...numbers.keys()];
  const uids = batch.map(({ commandUid }) => commandUid);
  const metadata = batch.map((append) => append.metadata);
  return {
    streams,
    values: [
      textArray(streams),
      textArray(categories),
      int4Array(batch.map((append) => append.streams.length)),
      int4Array(counts),
      uuidArray(batch.map(firstEventId)),
      uuidArray(uids.map((uid, a) => eventIdOf(uid, counts[a] ?? 0))),
      textArray(metadata.map(({ tenantId }) => tenantId)),
      textArray(metadata.map(({ actor }) => actor.kind)),
      textArray(metadata.map(({ actor }) => actor.id)),
      textArray(metadata.map(({ commandId }) => commandId)),
      textArray(metadata.map(({ correlationId }) => correlationId)),
      textArray(metadata.map(({ causationId }) => causationId)),
      textArray(metadata.map(({ trace }) => trace)),
      int4Array(pins.map((pin) => pin.stream)),
      int4Array(pins.map((pin) => pin.expected)),
      int4Array(pins.map((pin) => pin.events)),
      int4Array(events.map(({ append }) => append)),
      int4Array(events.map(({ pin }) => pin)),
      int4Array(events.map(({ offset }) => offset)),
      uuidArray(events.map(({ event }) => event.eventId)),
      textArray(events.map(({ event }) => event.type)),
      int4Array(events.map(({ event }) => event.schemaVersion)),
      byteaArray(events.map(({ event }) => event.address)),
      byteaArray(events.map(({ event }) => event.data)),
    ],
  };
}

function firstEventId({ streams }: EncodedAppend): string | null {
  return streams.find(({ events }) => events.length > 0)?.events[0]?.eventId ?? null;
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
