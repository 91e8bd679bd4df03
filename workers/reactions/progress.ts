import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import type { Pool } from 'pg';

/** A stream that waits for somebody to see to it; its events from this version on have not been reacted to. */
export interface ParkedStream {
  readonly stream: string;
  readonly fromVersion: number;
}

/** How far the reaction has read; 0n before its first event. */
export async function readCheckpoint(pool: Pool, reaction: string): Promise<bigint> {
  const { rows } = await pool.query<{ position: bigint }>(
    'SELECT position FROM reaction_checkpoints WHERE reaction = $1',
    [reaction],
  );
  return rows[0]?.position ?? 0n;
}

/** An owner that was replaced without knowing it can't take the checkpoint back. */
export async function writeCheckpoint(pool: Pool, reaction: string, position: bigint): Promise<void> {
  await pool.query(
    `INSERT INTO reaction_checkpoints (reaction, position) VALUES ($1, $2)
     ON CONFLICT (reaction) DO UPDATE SET position = greatest(reaction_checkpoints.position, excluded.position)`,
    [reaction, position],
  );
}

/** The reaction's parked streams, oldest first. */
export async function readParked(pool: Pool, reaction: string): Promise<ParkedStream[]> {
  const { rows } = await pool.query<ParkedStream>(
    `SELECT stream, from_version AS "fromVersion" FROM reaction_parked WHERE reaction = $1 ORDER BY parked_at, stream`,
    [reaction],
  );
  return rows;
}

/** Parks the event's stream from the event on, or moves on where it was parked already. */
export async function park(pool: Pool, reaction: string, event: RecordedEvent, error: string): Promise<void> {
  await pool.query(
    `INSERT INTO reaction_parked (reaction, stream, from_version, event_id, error) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (reaction, stream) DO UPDATE
       SET from_version = excluded.from_version, event_id = excluded.event_id, error = excluded.error, parked_at = now()`,
    [reaction, event.stream, event.version, event.eventId, error.slice(0, 4000)],
  );
}

/** The stream's events are reacted to again from here on. */
export async function unpark(pool: Pool, reaction: string, stream: string): Promise<void> {
  await pool.query('DELETE FROM reaction_parked WHERE reaction = $1 AND stream = $2', [reaction, stream]);
}
