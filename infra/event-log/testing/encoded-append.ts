import type { Pool } from 'pg';
import { expect } from 'vitest';

import type { EncodedAppend } from '../codec.ts';
import { eventIdOf } from '../event-ids.ts';
import type { AppendResult, ExpectedVersion } from '../event-log.ts';
import { appendBatch } from '../postgres/append-batch.ts';
import { metadata } from './log-under-test.ts';

/** An encoded append by the n-th command of a run, whose streams are its own: so many events for each stream. */
export function encodedAppend(
  run: number,
  command: number,
  ...streams: [name: string, expected: ExpectedVersion, events: number][]
): EncodedAppend {
  const commandUid = eventIdOf('6a5b1b4e-3f0c-4d3a-9e53-7d1f3c0e9a12', run * 1_000 + command);
  let index = 0;
  return {
    commandUid,
    metadata,
    streams: streams.map(([name, expectedVersion, events]) => ({
      stream: `${run}-${name}`,
      category: 'node',
      expectedVersion,
      events: Array.from({ length: events }, () => ({
        eventId: eventIdOf(commandUid, index++),
        type: 'Said',
        schemaVersion: 1,
        address: null,
        data: Buffer.from(name),
      })),
    })),
  };
}

/** Lets another process record an append while ours, sent after it, waits for the lock of the head. Gives what becomes of ours. */
export async function behindAnother<Outcome>(
  pool: Pool,
  first: EncodedAppend,
  send: () => Promise<Outcome>,
): Promise<Outcome> {
  const blocker = await pool.connect();
  await blocker.query('BEGIN');
  await appendBatch(blocker, [first]);
  const outcome = send();
  outcome.catch(() => {});
  const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
  await expect.poll(async () => (await pool.query(waiting)).rowCount).toBe(1);
  await blocker.query('COMMIT');
  blocker.release();
  return outcome;
}

export async function headNow(pool: Pool): Promise<bigint> {
  const { rows } = await pool.query<{ position: bigint }>('SELECT position FROM head');
  return rows[0]?.position ?? 0n;
}

/** What an append is answered that was recorded there. */
export function recordedAt(firstPosition: bigint, lastPosition: bigint): AppendResult {
  return { ok: true, firstPosition, lastPosition, repeated: false };
}
