import type { ClientBase } from 'pg';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult } from '../event-log.ts';
import { contentOf } from './content.ts';
import { sharedByAppend } from './event-arrays.ts';

/** Larger appends go by arrays: each shape is prepared once on a connection, so there must not be too many. */
const [streamsMax, eventsMax] = [3, 4];

/** How many events go to a stream, which is there already or not. */
interface StreamShape {
  readonly known: boolean;
  readonly events: number;
}

interface Prepared {
  readonly name: string;
  readonly text: string;
}

const prepared = new Map<string, Prepared>();

/**
 * The statement for an append that travels alone, as those of a single caller do, when it is small and tells the version of every
 * stream, and each gets events. Null for any other.
 */
export function alone({ streams }: EncodedAppend): Prepared | null {
  if (streams.length === 0 || streams.length > streamsMax) return null;
  let shape = 'append';
  let events = 0;
  for (const {
    expectedVersion,
    events: { length },
  } of streams) {
    const isNew = expectedVersion === 'no-stream';
    if (length === 0 || !(isNew || typeof expectedVersion === 'number')) return null;
    events += length;
    shape += isNew ? ` new ${length}` : ` known ${length}`;
  }
  if (events > eventsMax) return null;
  let statement = prepared.get(shape);
  if (statement === undefined) {
    const shapes = streams.map(({ expectedVersion, events: { length } }) => ({
      known: expectedVersion !== 'no-stream',
      events: length,
    }));
    statement = { name: shape, text: statementFor(shapes) };
    prepared.set(shape, statement);
  }
  return statement;
}

/**
 * Records one append as `appendAtOnce` does a batch: it looks at nothing first, and throws the server's error, having recorded nothing,
 * when something is not as the append expects it.
 */
export async function appendAlone(
  client: ClientBase,
  append: EncodedAppend,
  statement: Prepared,
): Promise<AppendResult> {
  const { tenantId, metadata } = sharedByAppend(append);
  const values: (string | number | Buffer | null)[] = [append.commandUid, contentOf(append), tenantId, metadata];
  let count = 0;
  for (const { stream, category, expectedVersion, events } of append.streams) {
    values.push(stream, category);
    if (typeof expectedVersion === 'number') values.push(expectedVersion);
    for (const { eventId, schemaVersion, type, address, data } of events) {
      values.push(eventId, schemaVersion, type, address, data);
    }
    count += events.length;
  }
  const { rows } = await client.query<{ before: bigint }>({ name: statement.name, text: statement.text, values });
  const [row] = rows;
  if (row === undefined) throw new Error('The next partition is due, or the table head is empty.');
  return { ok: true, firstPosition: row.before + 1n, lastPosition: row.before + BigInt(count), repeated: false };
}

/**
 * Rows of single values, where a batch has arrays: the server spends a third less on them. Everything is selected from the row of the
 * head that was moved, so the head is locked first, and nothing at all happens when the next partition is due, since `append_events`
 * makes it. A known stream that is not at its version gives null for the `stream_id` of its events, which the table refuses. As in a
 * batch, the parts are run from the last to the first, so what may fail comes before the events.
 *
 * The server copies the text for each append, so it has no indentation.
 */
function statementFor(shapes: readonly StreamShape[]): string {
  let parameters = 4;
  const next = (type: string) => `$${++parameters}::${type}`;
  const total = shapes.reduce((sum, { events }) => sum + events, 0);
  const [known, events, added]: [string[], string[], string[]] = [[], [], []];
  for (const shape of shapes) {
    const [stream, category] = [next('text'), next('text')];
    const [first, last] = [events.length + 1, events.length + shape.events];
    const expected = shape.known ? next('int') : '-1';
    let id = `before + ${first}`;
    if (shape.known) {
      const name = `known_${first}`;
      known.push(`${name} AS (
UPDATE streams SET last_version = last_version + ${shape.events}, last_position = before + ${last} FROM moved
WHERE stream = ${stream} AND last_version = ${expected} RETURNING first_position
),`);
      id = `(SELECT first_position FROM ${name})`;
    } else {
      added.push(`SELECT ${stream}, before + ${first}, before + ${last}, ${shape.events - 1} FROM moved`);
    }
    for (let n = 1; n <= shape.events; n += 1) {
      const [event, schema, type, address, data] = ['uuid', 'int', 'text', 'bytea', 'bytea'].map(next);
      events.push(`SELECT before + ${first + n - 1}, ${event}, recorded_at, ${id}, ${expected} + ${n}, ${schema}, ${stream}, ${category}, \
${type}, $3::text, $4::bytea, ${address}, ${data} FROM moved`);
    }
  }
  const newStreams = `new_streams AS (
INSERT INTO streams (stream, first_position, last_position, last_version)
${added.join(' UNION ALL\n')}
),`;
  return `WITH moved AS (
UPDATE head SET position = position + ${total}, recorded_at = greatest(date_trunc('milliseconds', clock_timestamp()), recorded_at)
WHERE single AND next_partition > position + ${total} + partition_size
RETURNING position - ${total} AS before, recorded_at
),
${known.join('\n')}
new_events AS (
INSERT INTO events (position, event_id, recorded_at, stream_id, version, schema_version, stream, category, type, tenant_id, metadata, \
address, data)
${events.join(' UNION ALL\n')}
),
${added.length > 0 ? newStreams : ''}
new_append AS (
INSERT INTO appends (command_uid, first_position, events, content) SELECT $1::uuid, before + 1, ${total}, $2::bytea FROM moved
)
SELECT before FROM moved`;
}
