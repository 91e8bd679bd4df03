import { gauge } from '#infra/process/metrics.ts';
import type { Pool } from 'pg';

/** The consumer group that relays are: it has one shard, and who holds that is the active one. */
export const relayGroup = 'relay';

/** What the active relay says of itself, some two seconds ago at most. */
export interface RelayState {
  readonly epoch: bigint;
  /** Whether a relay is active at all. */
  readonly active: boolean;
  /** Every event up to here has been acknowledged by Kafka. */
  readonly position: bigint;
  /** Why nothing is relayed right now, such as a broker that is away. */
  readonly problem: string | null;
}

/** Takes note of what the relay of an epoch says, unless one of a later epoch has said something. */
export async function writeRelayState(
  pool: Pool,
  { epoch, position, problem }: Omit<RelayState, 'active'>,
): Promise<void> {
  await pool.query(
    `INSERT INTO relay_state AS state (epoch, position, problem) VALUES ($1, $2, $3)
     ON CONFLICT (single) DO UPDATE SET epoch = excluded.epoch, position = excluded.position, problem = excluded.problem
     WHERE state.epoch <= excluded.epoch`,
    [epoch, position, problem],
  );
}

/** The state of the relay; null where none ever ran. */
export async function readRelayState(pool: Pool): Promise<RelayState | null> {
  const { rows } = await pool.query<RelayState>(
    `SELECT epoch, position, problem, EXISTS (
       SELECT FROM consumer_shards WHERE consumer_group = $1 AND lease_until > clock_timestamp()) AS active
     FROM relay_state`,
    [relayGroup],
  );
  return rows[0] ?? null;
}

/** The same for Prometheus. */
export function relayMetrics(head: bigint, { active, epoch, position, problem }: RelayState): string {
  return [
    gauge('miniredis_relay_active', 'Whether a relay to Kafka is running.', active ? 1 : 0),
    gauge('miniredis_relay_failing', 'Whether it can not relay right now.', problem === null ? 0 : 1),
    gauge('miniredis_relay_epoch', 'Grows whenever another relay takes over.', epoch),
    gauge('miniredis_relay_position', 'Events up to here have been acknowledged by Kafka.', position),
    gauge('miniredis_relay_lag_events', 'Events that have yet to be.', head > position ? head - position : 0n),
  ].join('\n');
}
