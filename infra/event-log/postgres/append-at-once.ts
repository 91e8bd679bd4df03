import type { ClientBase } from 'pg';

import type { EncodedAppend } from '../codec.ts';
import type { AppendResult } from '../event-log.ts';
import { byteaArray, int4Array, textArray, uuidArray, type BinaryArray } from './binary-array.ts';
import { contentOf } from './content.ts';
import { eventArrays, eventArrayTypes, sharedByAppend, type EventOfBatch } from './event-arrays.ts';
import { moveHead } from './move-head.ts';
import { askOneValue } from './one-value.ts';

/** A batch of which all is known but where the log ends, provided that everything is as its appends expect. */
interface BatchAtOnce {
  readonly counts: readonly number[];
  readonly added: readonly StreamOfBatch[];
  readonly known: readonly StreamOfBatch[];
  readonly events: readonly (EventOfBatch & { readonly of: StreamOfBatch; readonly version: number })[];
}

/** A stream of the batch. Events of the batch are numbered from 1. */
interface StreamOfBatch {
  readonly name: string;
  /** The version before the batch, -1 when it is new, and after it. */
  readonly expected: number;
  readonly lastVersion: number;
  /** Its first and its last event; null when it is only pinned. */
  readonly first: number;
  readonly last: number | null;
  /** For an event of a new stream that stream's first event; for one of a known stream its number among these, negative. */
  readonly reference: number;
}

/**
 * What `appendAtOnce` takes, for a batch that tells the version of every stream and names none twice, as batches of commands do. Null
 * for any other.
 */
export function atOnce(batch: readonly EncodedAppend[]): BatchAtOnce | null {
  const counts: number[] = [];
  const added: StreamOfBatch[] = [];
  const known: StreamOfBatch[] = [];
  const events: BatchAtOnce['events'][number][] = [];
  const names = new Set<string>();
  for (const append of batch) {
    const before = events.length;
    const shared = sharedByAppend(append);
    for (const { stream: name, category, expectedVersion, events: more } of append.streams) {
      const isNew = expectedVersion === 'no-stream';
      if (names.has(name) || (isNew ? more.length === 0 : typeof expectedVersion !== 'number')) return null;
      names.add(name);
      const expected = isNew ? -1 : Number(expectedVersion);
      const first = events.length + 1;
      const stream: StreamOfBatch = {
        name,
        expected,
        lastVersion: expected + more.length,
        first,
        last: more.length === 0 ? null : events.length + more.length,
        reference: isNew ? first : -(known.length + 1),
      };
      (isNew ? added : known).push(stream);
      let version = expected;
      for (const event of more) {
        events.push({ event, stream: name, category, append: shared, of: stream, version: ++version });
      }
    }
    if (events.length === before) return null;
    counts.push(events.length - before);
  }
  return { counts, added, known, events };
}

/**
 * Records a batch by one statement that looks at nothing first: where the head goes is the lock, that ids and streams are new is told
 * by the keys of their tables, and that a stream is at its version by the update that moves it on. Whatever is not as expected makes
 * the statement fail as a whole, with the server's error; then `appendCarefully` finds out whose fault it is. The results are in the
 * order of the appends.
 */
export async function appendAtOnce(
  client: ClientBase,
  batch: readonly EncodedAppend[],
  { counts, added, known, events }: BatchAtOnce,
): Promise<AppendResult[]> {
  let next = 1;
  const firsts = counts.map((count) => (next += count) - count);
  const values: (BinaryArray | null)[] = [
    uuidArray(batch.map(({ commandUid }) => commandUid)),
    byteaArray(batch.map(contentOf)),
    int4Array(counts),
    int4Array(firsts),
    textArray(added.map(({ name }) => name)),
    int4Array(added.map(({ first }) => first)),
    int4Array(added.map(({ last }) => last ?? 0)),
    int4Array(added.map(({ lastVersion }) => lastVersion)),
    int4Array(events.map(({ version }) => version)),
    int4Array(events.map(({ of }) => of.reference)),
    ...eventArrays(events),
  ];
  if (known.length > 0) {
    values.push(
      textArray(known.map(({ name }) => name)),
      int4Array(known.map(({ expected }) => expected)),
      int4Array(known.map(({ lastVersion }) => lastVersion)),
      int4Array(known.map(({ last }) => last ?? 0)),
    );
  }
  const value = await askOneValue(client, known.length > 0 ? withKnown : allNew, values);
  if (value === undefined) throw new Error('The table head is empty; the database was not restored as a whole.');
  const before = BigInt(value);
  return counts.map((count, a) => {
    const firstPosition = before + BigInt(firsts[a] ?? 0);
    return { ok: true, firstPosition, lastPosition: firstPosition + BigInt(count - 1), repeated: false };
  });
}

const types = {
  uid: 'uuid[]',
  content: 'bytea[]',
  count: 'int[]',
  first: 'int[]',
  newStream: 'text[]',
  newFirst: 'int[]',
  newLast: 'int[]',
  newVersion: 'int[]',
  eventVersion: 'int[]',
  eventReference: 'int[]',
  ...eventArrayTypes,
  knownStream: 'text[]',
  knownExpected: 'int[]',
  knownVersion: 'int[]',
  knownLast: 'int[]',
} as const;
/** Each parameter as the statement names it, such as `$1::uuid[]`. */
const $ = Object.fromEntries(Object.entries(types).map(([name, type], n) => [name, `$${n + 1}::${type}`])) as Readonly<
  Record<keyof typeof types, string>
>;

const end = '(SELECT before FROM moved)';
/** Streams that are there already are moved on, or held where they are; all of them, or the whole statement fails. */
const knownStreams = `
known AS (
  UPDATE streams SET last_version = asked.version, last_position = coalesce(${end} + nullif(asked.last, 0), last_position)
  FROM (SELECT generate_series(1, cardinality(${$.knownStream})) AS n, unnest(${$.knownStream}) AS stream,
               unnest(${$.knownExpected}) AS expected, unnest(${$.knownVersion}) AS version, unnest(${$.knownLast}) AS last) AS asked
  WHERE streams.stream = asked.stream AND streams.last_version = asked.expected AND ${end} IS NOT NULL
  RETURNING asked.n, streams.first_position
), known_firsts AS (
  SELECT CASE WHEN count(*) = cardinality(${$.knownStream}) THEN array_agg(first_position ORDER BY n)
              ELSE not_as_expected() END AS firsts
  FROM known
)`;

/** The statement for batches all of whose streams are new. */
const allNew = { name: 'append-new', text: statement(false) };
/** And the one for those that add to streams or pin them. */
const withKnown = { name: 'append-known', text: statement(true) };

/**
 * A statement sees what was there when it began, before it had the lock; but keys and updates go by what is there now. The parts that
 * change data are run once the head is locked, and from the last to the first, so what may fail comes before the events are written.
 *
 * Subqueries that give one value are evaluated once. Functions that return sets stand in the list of a SELECT, since in its FROM each
 * would fill a table first. Partitions are made by `append_events` alone: when the next one is due nothing moves, so that `before` is
 * null, which no table takes.
 */
function statement(known: boolean): string {
  const streamId = known
    ? `CASE WHEN reference > 0 THEN ${end} + reference ELSE (SELECT firsts FROM known_firsts)[-reference] END`
    : `${end} + reference`;
  return `
WITH moved AS (
  ${moveHead(`cardinality(${$.eventId})`)}
), ${known ? `${knownStreams},` : ''}
new_events AS (
  INSERT INTO events (position, event_id, recorded_at, stream_id, version, schema_version, stream, category, type, tenant_id,
                      metadata, address, data)
  SELECT ${end} + n, id, (SELECT recorded_at FROM moved), ${streamId}, version, schema_version, stream, category, type, tenant_id,
         metadata, address, data
  FROM (SELECT generate_series(1, cardinality(${$.eventId})) AS n, unnest(${$.eventReference}) AS reference,
               unnest(${$.eventVersion}) AS version, unnest(${$.eventId}) AS id, unnest(${$.eventSchemaVersion}) AS schema_version,
               unnest(${$.eventStream}) AS stream, unnest(${$.eventCategory}) AS category, unnest(${$.eventType}) AS type,
               unnest(${$.eventTenantId}) AS tenant_id, unnest(${$.eventMetadata}) AS metadata,
               unnest(${$.eventAddress}) AS address, unnest(${$.eventData}) AS data) AS event
), new_streams AS (
  INSERT INTO streams (stream, first_position, last_position, last_version)
  SELECT stream, ${end} + first, ${end} + last, version
  FROM (SELECT unnest(${$.newStream}) AS stream, unnest(${$.newFirst}) AS first, unnest(${$.newLast}) AS last,
               unnest(${$.newVersion}) AS version) AS new
), new_appends AS (
  INSERT INTO appends (command_uid, first_position, events, content)
  SELECT uid, ${end} + first, events, content
  FROM (SELECT unnest(${$.uid}) AS uid, unnest(${$.first}) AS first, unnest(${$.count}) AS events,
               unnest(${$.content}) AS content) AS new
  ${known ? 'WHERE (SELECT firsts FROM known_firsts) IS NOT NULL' : ''}
)
SELECT before FROM moved`;
}
