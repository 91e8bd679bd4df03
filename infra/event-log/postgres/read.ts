import type { Pool } from 'pg';

import type { StoredEvent } from '../codec.ts';
import type { StreamRange } from '../event-log.ts';
import { ask } from './ask.ts';
import { copiedEvents } from './copied-events.ts';
import { copyOut } from './copy-out.ts';
import { lend } from './lend.ts';
import { eventColumns, storedEvent, type EventRow } from './rows.ts';

/** The largest that PostgreSQL's integer and bigint hold: beyond every version and every position. */
const [versionMax, positionMax] = [2 ** 31 - 1, 2n ** 63n - 1n];

/** So few rows are there sooner by a statement that is prepared than by COPY, which is planned anew each time. */
const few = 20n;

/** What the database holds of a stream within a range, and where the stream begins and ends, wherever its events are. */
export interface StreamRows {
  readonly events: StoredEvent[];
  readonly first: bigint;
  readonly last: bigint;
  readonly lastVersion: number;
}

/** Events of one stream, in the direction of the range; null when there is no such stream. */
export async function readStreamRows(
  pool: Pool,
  stream: string,
  { direction = 'forward', fromVersion, limit = versionMax, toPosition = positionMax }: StreamRange,
): Promise<StreamRows | null> {
  const backward = direction === 'backward';
  const from = Math.min(fromVersion ?? (backward ? versionMax : 0), versionMax);
  const rows = await ask<Partial<EventRow> & { first_position: bigint; last_position: bigint; last_version: number }>(
    pool,
    'read-stream',
    'SELECT * FROM read_stream($1, $2, $3, $4, $5)',
    [stream, backward, from, toPosition, limit],
  );
  const [row] = rows;
  if (row === undefined) return null;
  return {
    events: row.position === null ? [] : rows.map((each) => storedEvent(each as EventRow)),
    first: row.first_position,
    last: row.last_position,
    lastVersion: row.last_version,
  };
}

/**
 * The events after a position and up to another that are here, at most `limit` of them. `upTo` is how far that reaches: positions
 * have no gap, so the range that is asked for is no wider than the limit, and the server looks into no other partitions.
 */
export async function readRows(
  pool: Pool,
  after: bigint,
  to: bigint,
  limit: number,
): Promise<{ events: StoredEvent[]; upTo: bigint }> {
  const upTo = after + BigInt(limit) < to ? after + BigInt(limit) : to;
  const select = (first: string, last: string) =>
    `SELECT ${eventColumns} FROM events WHERE position > ${first} AND position <= ${last} ORDER BY position`;
  if (upTo - after <= few) {
    const rows = await ask<EventRow>(pool, 'read', select('$1', '$2'), [after, upTo]);
    return { events: rows.map(storedEvent), upTo };
  }
  return { events: await copyEvents(pool, select(`${after}`, `${upTo}`)), upTo };
}

/** The events that a SELECT of `eventColumns` gives, by COPY, which takes no parameters: its values stand in its text. */
export async function copyEvents(pool: Pool, select: string): Promise<StoredEvent[]> {
  return copiedEvents(await lend(pool, (client) => copyOut(client, select)));
}

/** Where the events of an append are: behind a position, up to another; null when there is no such append. */
export async function readPlaceOfAppend(pool: Pool, commandUid: string): Promise<{ after: bigint; to: bigint } | null> {
  const text = 'SELECT first_position, events FROM appends WHERE command_uid = $1';
  const [row] = await ask<{ first_position: bigint; events: number }>(pool, 'place-of-append', text, [commandUid]);
  if (row === undefined) return null;
  const after = row.first_position - 1n;
  return { after, to: after + BigInt(row.events) };
}

/** The position of the last event. */
export async function readHead(pool: Pool): Promise<bigint> {
  const [row] = await ask<{ position: bigint }>(pool, 'head', 'SELECT position FROM head', []);
  if (row === undefined) throw new Error('The table head is empty; the database was not restored as a whole.');
  return row.position;
}

/** The last position here that was recorded at or before a time (0 if none), and the one before the next that is here. */
export async function readPositionAt(pool: Pool, time: Date): Promise<{ here: bigint; beforeNext: bigint }> {
  // The calendar of a Date goes back further than PostgreSQL's.
  const [row] = await ask<{ here: bigint; before_next: bigint }>(pool, 'position-at', 'SELECT * FROM position_at($1)', [
    time.getTime() < 0 ? '-infinity' : time,
  ]);
  return { here: row?.here ?? 0n, beforeNext: row?.before_next ?? 0n };
}
