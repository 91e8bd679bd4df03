import { createPool } from '#infra/postgres/pool.ts';
import type { Pool, PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import type { EncodedAppend } from '../codec.ts';
import { eventIdOf } from '../event-ids.ts';
import type { AppendResult, ExpectedVersion } from '../event-log.ts';
import { appendBatch } from '../postgres/append-batch.ts';
import { metadata } from './log-under-test.ts';
import { flawsOf } from './sound-log.ts';

/** Its events by what they say, or so many that say its name. */
type StreamOfAppend = readonly [name: string, expected: ExpectedVersion, events: number | readonly string[]];

/** An empty log of its own, where a connection string leads. */
interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A log's database, and a connection to it, for the test under way. */
export interface AppendSuite {
  pool: Pool;
  client: PoolClient;
  /** The full name of a stream of this test. */
  readonly nameOf: (stream: string) => string;
  /** An encoded append by the n-th command of this test, whose streams are its own. */
  readonly appendOf: (command: number, ...streams: StreamOfAppend[]) => EncodedAppend;
}

/**
 * To be called once at the top of a test file that appends over a connection of its own. Each test finds stream a with two events and
 * b with one, by commands 1 and 2; after each the log must be sound.
 */
export function suiteOfAppends(openDatabase: () => Promise<TestDatabase>): AppendSuite {
  let database: TestDatabase;
  let run = 0;
  const appendOf = (command: number, ...streams: StreamOfAppend[]) => encodedAppend(run, command, ...streams);
  const suite = { appendOf, nameOf: (stream) => `${run}-${stream}` } as AppendSuite;
  beforeAll(async () => {
    database = await openDatabase();
    suite.pool = createPool(database.url);
  });
  beforeEach(async () => {
    run += 1;
    suite.client = await suite.pool.connect();
    await appendBatch(suite.client, [appendOf(1, ['a', 'no-stream', 2]), appendOf(2, ['b', 'no-stream', 1])]);
  });
  afterEach(async () => {
    suite.client.release();
    expect(await flawsOf(suite.pool)).toEqual([]);
  });
  afterAll(async () => {
    await suite.pool.end();
    await database.drop();
  });
  return suite;
}

/** An encoded append by the n-th command of a run, whose streams are its own. */
export function encodedAppend(run: number, command: number, ...streams: StreamOfAppend[]): EncodedAppend {
  const commandUid = eventIdOf('6a5b1b4e-3f0c-4d3a-9e53-7d1f3c0e9a12', run * 1_000 + command);
  let index = 0;
  return {
    commandUid,
    metadata,
    streams: streams.map(([name, expectedVersion, events]) => ({
      stream: `${run}-${name}`,
      category: 'node',
      expectedVersion,
      events: (typeof events === 'number' ? Array<string>(events).fill(name) : events).map((text) => ({
        eventId: eventIdOf(commandUid, index++),
        type: 'Said',
        schemaVersion: 1,
        address: null,
        data: Buffer.from(text),
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

/** Tests that what another process recorded meanwhile is noticed by the keys of its tables. */
export function testKeysBehindTheLock(
  { appendOf }: AppendSuite,
  behind: (first: EncodedAppend, append: EncodedAppend) => Promise<unknown>,
): void {
  test('a stream that came to be is noticed', async () => {
    await expect(behind(appendOf(3, ['c', 'no-stream', 1]), appendOf(4, ['c', 'no-stream', 1]))).rejects.toThrow(
      'streams_key',
    );
  });

  test('a command that was recorded is noticed', async () => {
    await expect(behind(appendOf(3, ['c', 'no-stream', 1]), appendOf(3, ['d', 'no-stream', 1]))).rejects.toThrow(
      'appends_key',
    );
  });
}

/** Makes the next partition due, does something meanwhile, and gives the log back as it was. */
export async function whilePartitionIsDue(client: PoolClient, work: () => Promise<void>): Promise<void> {
  await client.query('UPDATE head SET partition_size = 400000');
  await client.query('UPDATE head SET next_partition = position + 400001');
  await client.query('DELETE FROM event_partitions; DROP TABLE events_from_1000001');
  await work();
  await client.query('UPDATE head SET next_partition = 1000001, partition_size = 1000000');
}

export async function headNow(pool: Pool): Promise<bigint> {
  const { rows } = await pool.query<{ position: bigint }>('SELECT position FROM head');
  return rows[0]?.position ?? 0n;
}

/** What an append is answered that was recorded there. */
export function recordedAt(firstPosition: bigint, lastPosition: bigint): AppendResult {
  return { ok: true, firstPosition, lastPosition, repeated: false };
}
