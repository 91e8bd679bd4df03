import type { Pool } from 'pg';

/** What the active relay last said of itself, some two seconds ago at most. */
export interface RelayState {
  readonly epoch: bigint;
  /** Whether a relay is active at all. */
  readonly active: boolean;
  /** Every event up to here has been acknowledged by Kafka. */
  readonly position: bigint;
  readonly problem: string | null;
}

/** The state of the relay; null where none ever ran. */
export async function readRelayState(pool: Pool): Promise<RelayState | null> {
  const { rows } = await pool.query<RelayState>(
    'SELECT epoch, expires_at > clock_timestamp() AS active, position, problem FROM relay_lease WHERE epoch > 0',
  );
  return rows[0] ?? null;
}
