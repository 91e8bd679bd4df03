import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { Pool } from 'pg';

import { Fenced, movedWhileHeld, stillHeld, type HeldShard } from './leases.ts';

/** A stream that waits for somebody to see to it: its events from `version` on have not been delivered to the group. */
export interface ParkedStream {
  readonly group: string;
  readonly stream: string;
  readonly shard: number;
  /** The event that could not be handled. */
  readonly version: number;
  readonly position: bigint;
  readonly eventId: string;
  readonly type: string;
  readonly error: string;
  readonly attempts: number;
  readonly parkedAt: Date;
  /** It is being delivered again, from `version` on. */
  readonly replaying: boolean;
}

type Owner = Pick<HeldShard, 'shard' | 'epoch'>;

/** What a parked stream is found by; without a stream, all of the group. */
export interface ParkedChoice {
  readonly group?: string | undefined;
  readonly stream?: string | undefined;
}

/** The parked streams, those that have waited longest first. */
export async function listParked(pool: Pool, { group, stream }: ParkedChoice): Promise<ParkedStream[]> {
  const { rows } = await pool.query<ParkedStream>(
    `SELECT consumer_group AS "group", stream, shard, version, position, event_id AS "eventId", type, error, attempts,
            parked_at AS "parkedAt", replaying
     FROM consumer_parked WHERE ($1::text IS NULL OR consumer_group = $1) AND ($2::text IS NULL OR stream = $2)
     ORDER BY parked_at, consumer_group, stream`,
    [group ?? null, stream ?? null],
  );
  return rows;
}

/** The names of a shard's parked streams. */
export async function parkedOfShard(pool: Pool, group: string, shard: number): Promise<Set<string>> {
  const { rows } = await pool.query<{ stream: string }>(
    'SELECT stream FROM consumer_parked WHERE consumer_group = $1 AND shard = $2',
    [group, shard],
  );
  return new Set(rows.map(({ stream }) => stream));
}

/**
 * Sets a stream aside from an event on. The checkpoint moves to the event with it, so that the event comes back by a replay alone.
 * Throws `Fenced` when the epoch is over.
 */
export async function park(
  pool: Pool,
  group: string,
  owner: Owner,
  event: RecordedEvent,
  failure: { readonly error: string; readonly attempts: number },
): Promise<void> {
  const { rowCount } = await pool.query(
    `WITH held AS (${movedWhileHeld})
     INSERT INTO consumer_parked (consumer_group, stream, shard, version, position, event_id, type, error, attempts)
     SELECT $1, $5, held.shard, $6, $4, $7, $8, $9, $10 FROM held
     ON CONFLICT (consumer_group, stream) DO UPDATE
       SET version = excluded.version, position = excluded.position, event_id = excluded.event_id, type = excluded.type,
           error = excluded.error, attempts = excluded.attempts, parked_at = now(), replaying = false`,
    [
      group,
      owner.shard,
      owner.epoch,
      event.position,
      event.stream,
      event.version,
      event.eventId,
      event.type,
      failure.error.replaceAll('\0', '\uFFFD').slice(0, 4000),
      failure.attempts,
    ],
  );
  if (rowCount !== 1) throw new Fenced(group, owner);
}

/** Asks for the streams to be delivered again from their first parked event on; the owners of their shards do it. */
export async function requestReplay(pool: Pool, { group, stream }: ParkedChoice & { group: string }): Promise<number> {
  const { rowCount } = await pool.query(
    `UPDATE consumer_parked SET replaying = true WHERE consumer_group = $1 AND ($2::text IS NULL OR stream = $2)`,
    [group, stream ?? null],
  );
  return rowCount ?? 0;
}

/**
 * Passes over the event that could not be handled and asks for the rest to be delivered. False when the stream is not parked at this
 * version (any more): somebody else was faster.
 */
export async function skipParked(pool: Pool, group: string, stream: string, version: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE consumer_parked SET version = version + 1, replaying = true
     WHERE consumer_group = $1 AND stream = $2 AND version = $3 AND NOT replaying`,
    [group, stream, version],
  );
  return rowCount === 1;
}

/** The streams of a group that are to be delivered again. */
export async function wantedReplays(pool: Pool, group: string): Promise<Pick<ParkedStream, 'stream' | 'shard'>[]> {
  const { rows } = await pool.query<Pick<ParkedStream, 'stream' | 'shard'>>({
    name: 'consumer-replays',
    text: 'SELECT stream, shard FROM consumer_parked WHERE consumer_group = $1 AND replaying ORDER BY parked_at',
    values: [group],
  });
  return rows;
}

/** The version from which a parked stream is to be delivered again; null when nobody wants that (any more). */
export async function replayFrom(pool: Pool, group: string, stream: string): Promise<number | null> {
  const { rows } = await pool.query<{ version: number }>(
    'SELECT version FROM consumer_parked WHERE consumer_group = $1 AND stream = $2 AND replaying',
    [group, stream],
  );
  return rows[0]?.version ?? null;
}

/** Notes that the parked stream has been delivered up to a version, not included. Throws `Fenced` when the epoch is over. */
export async function moveReplay(
  pool: Pool,
  group: string,
  owner: Owner,
  stream: string,
  version: number,
): Promise<void> {
  const { rowCount } = await pool.query(
    `WITH held AS (SELECT shard FROM consumer_shards WHERE ${stillHeld} FOR UPDATE)
     UPDATE consumer_parked p SET version = $5 FROM held WHERE p.consumer_group = $1 AND p.stream = $4`,
    [group, owner.shard, owner.epoch, stream, version],
  );
  if (rowCount !== 1) throw new Fenced(group, owner);
}

/**
 * The stream has caught up and is delivered with the others again. The checkpoint moves with it, so that an event that was passed
 * over never comes back. Throws `Fenced` when the epoch is over.
 */
export async function unpark(pool: Pool, group: string, owner: Owner, stream: string, position: bigint): Promise<void> {
  const { rowCount } = await pool.query(
    `WITH held AS (${movedWhileHeld})
     DELETE FROM consumer_parked p USING held WHERE p.consumer_group = $1 AND p.stream = $5`,
    [group, owner.shard, owner.epoch, position, stream],
  );
  if (rowCount !== 1) throw new Fenced(group, owner);
}
