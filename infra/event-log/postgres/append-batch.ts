import type { ClientBase } from 'pg';

import type { EncodedAppend } from '../codec.ts';
import { eventIdOf } from '../event-ids.ts';
import type { AppendResult, ExpectedVersion } from '../event-log.ts';

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
function columnsOf(batch: readonly EncodedAppend[]): { streams: string[]; values: unknown[][] } {
  const numbers = new Map<string, number>();
  const categories: string[] = [];
  const [appendPins, appendEvents, firstIds, nextIds] = [[], [], [], []] as [
    unknown[],
    unknown[],
    unknown[],
    unknown[],
  ];
  const metadata: unknown[][] = Array.from({ length: 7 }, () => []);
  const pins: unknown[][] = Array.from({ length: 3 }, () => []);
  const events: unknown[][] = Array.from({ length: 8 }, () => []);

  for (const [a, append] of batch.entries()) {
    let index = 0;
    for (const { stream, category, expectedVersion, events: added } of append.streams) {
      let number = numbers.get(stream);
      if (number === undefined) {
        number = numbers.size + 1;
        numbers.set(stream, number);
        categories.push(category);
      }
      pushRow(pins, [number, expectedNumber(expectedVersion), added.length]);
      const pin = pins[0]?.length;
      for (const [offset, event] of added.entries()) {
        const { eventId, type, schemaVersion, address, data } = event;
        pushRow(events, [a + 1, pin, offset, eventId, type, schemaVersion, address, data]);
      }
      index += added.length;
    }
    const { actor, commandId, correlationId, causationId, trace, tenantId } = append.metadata;
    pushRow(metadata, [tenantId, actor.kind, actor.id, commandId, correlationId, causationId, trace]);
    appendPins.push(append.streams.length);
    appendEvents.push(index);
    firstIds.push(index === 0 ? null : eventIdOf(append.commandUid, 0));
    nextIds.push(eventIdOf(append.commandUid, index));
  }
  const streams = [...numbers.keys()];
  return {
    streams,
    values: [streams, categories, appendPins, appendEvents, firstIds, nextIds, ...metadata, ...pins, ...events],
  };
}

function pushRow(columns: unknown[][], row: unknown[]): void {
  for (const [n, value] of row.entries()) columns[n]?.push(value);
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
