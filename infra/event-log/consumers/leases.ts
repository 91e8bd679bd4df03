import type { Pool } from 'pg';

/** A shard that a member holds. */
export interface HeldShard {
  readonly shard: number;
  readonly epoch: bigint;
  /** Everything up to here has been dealt with. */
  readonly position: bigint;
  /** By the fair share it is another member's; let go of it when the effect in hand has ended. */
  readonly surplus: boolean;
}

/** How far a holder has come on a shard. */
export type Progress = Pick<HeldShard, 'shard' | 'epoch' | 'position'>;

/** Somebody else owns the shard by now: what this owner wanted to write was not written. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
  constructor(group: string, { shard, epoch }: Pick<HeldShard, 'shard' | 'epoch'>) {
    super(`Epoch ${epoch} of shard ${shard} of ${group} is over.`);
  }
}

/** Makes the group where it is new, and tells how many shards it has; that was settled when it first ran. */
export async function joinGroup(pool: Pool, group: string, shards: number): Promise<number> {
  await pool.query('INSERT INTO consumer_groups (name, shards) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    group,
    shards,
  ]);
  const { rows } = await pool.query<{ shards: number }>('SELECT shards FROM consumer_groups WHERE name = $1', [group]);
  const settled = rows[0]?.shards ?? shards;
  await pool.query(
    `INSERT INTO consumer_shards (consumer_group, shard) SELECT $1, generate_series(0, $2::integer - 1)
     ON CONFLICT DO NOTHING`,
    [group, settled],
  );
  return settled;
}

/** Keeps the member's leases for so long from now, moves the checkpoints, claims what is free, and tells what the member holds. */
export async function heartbeat(
  pool: Pool,
  { group, member, lease_ms }: { readonly group: string; readonly member: string; readonly lease_ms: number },
  moved: readonly Progress[],
): Promise<HeldShard[]> {
  const { rows } = await pool.query<HeldShard>({
    name: 'consumer-heartbeat',
    text: `SELECT * FROM consumer_heartbeat($1, $2, $3 * interval '1 millisecond', $4, $5, $6)`,
    values: [
      group,
      member,
      lease_ms,
      moved.map(({ shard }) => shard),
      moved.map(({ epoch }) => epoch),
      moved.map(({ position }) => position),
    ],
  });
  return rows;
}

/** $1 group, $2 shard, $3 epoch: an owner that was replaced, or that nobody has heard of for too long, is one no more. */
export const stillHeld = 'consumer_group = $1 AND shard = $2 AND epoch = $3 AND lease_until > clock_timestamp()';
/** As part of what an owner writes: moves the checkpoint to $4 and yields the shard while it is held, else nothing. */
export const movedWhileHeld = `UPDATE consumer_shards SET position = greatest(position, $4) WHERE ${stillHeld} RETURNING shard`;

/** Moves one checkpoint. Throws `Fenced` when the epoch is over. */
export async function moveCheckpoint(pool: Pool, group: string, progress: Progress): Promise<void> {
  const { rowCount } = await pool.query({
    name: 'consumer-checkpoint',
    text: movedWhileHeld,
    values: [group, progress.shard, progress.epoch, progress.position],
  });
  if (rowCount !== 1) throw new Fenced(group, progress);
}

/** Hands a shard over: whoever claims it next goes on from here. Nothing happens when the epoch is over already. */
export async function releaseShard(pool: Pool, group: string, progress: Progress): Promise<void> {
  await pool.query(
    `UPDATE consumer_shards SET owner = NULL, lease_until = NULL, position = greatest(position, $4)
     WHERE consumer_group = $1 AND shard = $2 AND epoch = $3`,
    [group, progress.shard, progress.epoch, progress.position],
  );
}

/** The member is no longer one; the others share what it had. */
export async function leaveGroup(pool: Pool, group: string, member: string): Promise<void> {
  await pool.query('DELETE FROM consumer_members WHERE consumer_group = $1 AND member = $2', [group, member]);
}

/** The group of a name, provided that no process runs it. */
const groupAtRest = `consumer_groups g WHERE g.name = $1 AND NOT EXISTS (
  SELECT FROM consumer_members m WHERE m.consumer_group = g.name AND m.lease_until > clock_timestamp())`;

/** Whether there is such a group, and no process runs it. */
export async function isAtRest(pool: Pool, group: string): Promise<boolean> {
  return (await pool.query(`SELECT FROM ${groupAtRest}`, [group])).rowCount === 1;
}

/** Forgets a group, with its checkpoints and parked streams. False when there is none, or some process runs it. */
export async function dropGroup(pool: Pool, group: string): Promise<boolean> {
  const { rowCount } = await pool.query(`DELETE FROM ${groupAtRest}`, [group]);
  return rowCount === 1;
}
