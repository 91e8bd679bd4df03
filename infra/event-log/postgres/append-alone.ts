import type { ClientBase } from 'pg';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult } from '../event-log.ts';
import { contentOf } from './content.ts';
import { sharedByAppend } from './event-arrays.ts';
import { moveHead } from './move-head.ts';
import { askOneValue, type Prepared } from './one-value.ts';

/** Larger appends go by arrays: each shape is prepared once on a connection, and so there are 64 at most. */
const [streamsMax, eventsMax] = [3, 4];

type Streams = EncodedAppend['streams'];

const prepared = new Map<string, Prepared>();

/**
 * The statement for an append that travels alone, as those of a single caller do, when it is small and tells the version of every
 * stream, and each gets events. Null for any other.
 */
export function alone({ streams }: EncodedAppend): Prepared | null {
  if (streams.length === 0 || streams.length > streamsMax) return null;
  let name = 'append';
  let total = 0;
  for (const { expectedVersion, events } of streams) {
    const isNew = expectedVersion === 'no-stream';
    if (events.length === 0 || !(isNew || typeof expectedVersion === 'number')) return null;
    total += events.length;
    name += isNew ? ` new ${events.length}` : ` known ${events.length}`;
  }
  if (total > eventsMax) return null;
  let statement = prepared.get(name);
  if (statement === undefined) {
    statement = { name, text: statementFor(streams, total) };
    prepared.set(name, statement);
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
  const value = await askOneValue(client, statement, values);
  if (value === undefined) throw new Error('The next partition is due, or the table head is empty.');
  const before = BigInt(value);
  return { ok: true, firstPosition: before + 1n, lastPosition: before + BigInt(count), repeated: false };
}

/**
 * Rows of single values, where a batch has arrays: the server spends a third less on them. Everything is selected from the row of the
 * head that was moved, so the head is locked first, and nothing at all happens when the next partition is due, since `append_events`
 * makes it. A known stream that is not at its version gives null for the `stream_id` of its events, which the table refuses. As in a
 * batch, the parts are run from the last to the first, so what may fail comes before the events.
 *
 * The server copies the text for each append, so it has no indentation.
 */
function statementFor(streams: Streams, total: number): string {
  let parameters = 4;
  const next = (type: string) => `$${++parameters}::${type}`;
  const [known, added, rows]: [string[], string[], string[]] = [[], [], []];
  for (const { expectedVersion, events } of streams) {
    const [stream, category] = [next('text'), next('text')];
    const [first, last] = [rows.length + 1, rows.length + events.length];
    let [expected, id] = ['-1', `before + ${first}`];
    if (expectedVersion === 'no-stream') {
      added.push(`SELECT ${stream}, before + ${first}, before + ${last}, ${events.length - 1} FROM moved`);
    } else {
      const name = `known_${first}`;
      expected = next('int');
      id = `(SELECT first_position FROM ${name})`;
      known.push(`${name} AS (
UPDATE streams SET last_version = last_version + ${events.length}, last_position = before + ${last} FROM moved
WHERE stream = ${stream} AND last_version = ${expected} RETURNING first_position
),`);
    }
    for (let n = 1; n <= events.length; n += 1) {
      const [event, schema, type, address, data] = ['uuid', 'int', 'text', 'bytea', 'bytea'].map(next);
      rows.push(`SELECT before + ${first + n - 1}, ${event}, recorded_at, ${id}, ${expected} + ${n}, ${schema}, ${stream}, ${category}, \
${type}, $3::text, $4::bytea, ${address}, ${data} FROM moved`);
    }
  }
  const newStreams = `new_streams AS (
INSERT INTO streams (stream, first_position, last_position, last_version)
${added.join(' UNION ALL\n')}
),`;
  return `WITH moved AS (
${moveHead(total)}
),
${known.join('\n')}
new_events AS (
INSERT INTO events (position, event_id, recorded_at, stream_id, version, schema_version, stream, category, type, tenant_id, metadata, \
address, data)
${rows.join(' UNION ALL\n')}
),
${added.length > 0 ? newStreams : ''}
new_append AS (
INSERT INTO appends (command_uid, first_position, events, content) SELECT $1::uuid, before + 1, ${total}, $2::bytea FROM moved
)
SELECT before FROM moved`;
}
