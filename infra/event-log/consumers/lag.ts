import type { Pool } from 'pg';

import type { EventLog } from '../event-log.ts';

/** What somebody who follows the log has yet to come to. */
export interface Lag {
  /** Events of the log after its checkpoint, also those that it will pass over. */
  readonly events: number;
  /** How long ago the first of them was recorded, in seconds; 0 without any. */
  readonly oldest_s: number;
}

/** A consumer group as a whole, whatever processes are in it. */
export interface GroupLag extends Lag {
  readonly group: string;
  readonly parkedStreams: number;
  /** Processes in it that are alive. */
  readonly members: number;
}

type LogToLookAt = Pick<EventLog, 'head' | 'readAll'>;

/** The lag of every consumer group there is. Checkpoints move about once a second where there is nothing to handle. */
export async function lagOfGroups(pool: Pool, log: LogToLookAt): Promise<GroupLag[]> {
  const { rows } = await pool.query<{ group: string; position: bigint; parked: bigint; members: bigint }>({
    name: 'consumer-lag',
    text: `SELECT g.name AS "group",
             (SELECT coalesce(min(s.position), 0) FROM consumer_shards s WHERE s.consumer_group = g.name) AS position,
             (SELECT count(*) FROM consumer_parked p WHERE p.consumer_group = g.name) AS parked,
             (SELECT count(*) FROM consumer_members m WHERE m.consumer_group = g.name AND m.lease_until > clock_timestamp()) AS members
           FROM consumer_groups g ORDER BY g.name`,
  });
  const lags = await lagsAfter(
    log,
    rows.map(({ position }) => position),
  );
  return rows.map(({ group, parked, members }, n) => ({
    group,
    parkedStreams: Number(parked),
    members: Number(members),
    ...(lags[n] ?? none),
  }));
}

const none: Lag = { events: 0, oldest_s: 0 };

/** The lag of those who have come to these positions. */
export async function lagsAfter(log: LogToLookAt, positions: readonly bigint[]): Promise<Lag[]> {
  const head = await log.head();
  const recorded = new Map<bigint, Promise<number>>();
  const ageAfter = (position: bigint) => {
    const age = recorded.get(position) ?? ageOfFirst(log, position, head);
    recorded.set(position, age);
    return age;
  };
  return Promise.all(
    positions.map(async (position) =>
      position >= head ? none : { events: Number(head - position), oldest_s: await ageAfter(position) },
    ),
  );
}

async function ageOfFirst(log: LogToLookAt, after: bigint, to: bigint): Promise<number> {
  for await (const [first] of log.readAll({ after, to, batchSize: 1 })) {
    if (first !== undefined) return Math.max(0, (Date.now() - Date.parse(first.recordedAt)) / 1000);
  }
  return 0;
}
