import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';

import type { BackupEvent } from '#domains/backup/events.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { openPostgresEventLog } from '#infra/event-log/postgres/log.ts';
import { createPool } from '#infra/postgres/pool.ts';
import { testDatabase } from '#test/tools/postgres.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { startReactions, type RunningReactions } from './group.ts';
import { defineReaction, type Reaction } from './reaction.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;
let log: EventLog;
const running: RunningReactions[] = [];
const logger = pino({ level: 'silent' });

beforeEach(async () => {
  database = await testDatabase();
  pool = createPool(database.url);
  log = openLog();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((group) => group.stop()));
  await log.close();
  await pool.end();
  await database.drop();
});

function openLog(): EventLog {
  const codec = openCodec(openSubjectKeys(pool, createSecretKey(randomBytes(32))));
  return openPostgresEventLog({ pool, codec, notify: true });
}

function start(...reactions: Reaction[]): RunningReactions {
  const group = startReactions({ group: 'test', reactions, log, pool, databaseUrl: database.url, logger });
  running.push(group);
  return group;
}

/** Events that need nothing else in the log; the reason tells them apart. */
async function append(stream: string, ...reasons: string[]): Promise<void> {
  const events = reasons.map((reason) => ({ type: 'BackupFailed', data: { backupId: stream.slice(7), reason } }));
  const result = await log.append({
    commandUid: randomUUID(),
    metadata: {
      actor: { kind: 'system', id: 'test' },
      address: null,
      commandId: randomUUID(),
      correlationId: randomUUID(),
      causationId: null,
      trace: null,
      tenantId: null,
    },
    streams: [{ stream, expectedVersion: 'any', events }],
  });
  expect(result.ok).toBe(true);
}

type Failed = Extract<BackupEvent, { type: 'BackupFailed' }>;
class Away extends Error {}

/** A reaction that records what it was called with and fails as told. */
function recording(fails: (reason: string) => Error | null = () => null, name = 'recording') {
  const done: string[] = [];
  const reaction = defineReaction<Failed>({
    name,
    categories: ['backup'],
    types: ['BackupFailed'],
    policy: { attempts: 3, delayMin_ms: 5, delayMax_ms: 20 },
    isTransient: (error) => error instanceof Away,
    react: async ({ data }) => {
      const error = fails(data.reason);
      if (error !== null) throw error;
      done.push(data.reason);
    },
  });
  return { reaction, done };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => String(from + n));

test('every event of its types comes once and in order, also over a restart', async () => {
  const first = recording();
  await append('backup-a', ...numbers(0, 20));
  const group = start(first.reaction);
  await append('backup-a', ...numbers(20, 40));
  await vi.waitFor(() => expect(first.done).toEqual(numbers(0, 40)), 5000);
  await group.stop();
  await append('backup-b', ...numbers(40, 50));
  const second = recording();
  start(second.reaction);
  await vi.waitFor(() => expect(second.done).toEqual(numbers(40, 50)), 5000);
});

test('a transient failure is waited out for as long as it takes, and nothing is lost or parked', async () => {
  let away = true;
  let tries = 0;
  const { reaction, done } = recording(() => (away && ++tries > 0 ? new Away('the server is away') : null));
  const group = start(reaction);
  await append('backup-a', '1', '2');
  await vi.waitFor(() => expect(tries).toBeGreaterThan(10), 5000);
  expect(group.status().reactions['recording']).toMatchObject({ waitingFor: 'the server is away', parkedStreams: 0 });
  expect(done).toEqual([]);
  away = false;
  await vi.waitFor(() => expect(done).toEqual(['1', '2']), 5000);
  expect(group.status().reactions['recording']).toMatchObject({ waitingFor: null, parkedStreams: 0 });
});

test('another failure parks its stream with the error, others go on, and a new start takes it up in order', async () => {
  let broken = true;
  const tried: string[] = [];
  const { reaction, done } = recording((reason) => {
    tried.push(reason);
    return broken && reason === 'bad' ? new Error('no way') : null;
  });
  const group = start(reaction);
  await append('backup-a', 'a1', 'bad', 'a3');
  await append('backup-b', 'b1');
  await append('backup-a', 'a4');
  await vi.waitFor(() => expect(done).toEqual(['a1', 'b1']), 5000);
  expect(tried.filter((reason) => reason === 'bad')).toHaveLength(3);
  await vi.waitFor(
    async () => expect(String(await log.head())).toBe(group.status().reactions['recording']?.position),
    5000,
  );
  const { rows } = await pool.query('SELECT reaction, stream, from_version, error FROM reaction_parked');
  expect(rows).toEqual([
    { reaction: 'recording', stream: 'backup-a', from_version: 1, error: expect.stringMatching(/^Error: no way/) },
  ]);
  expect(tried).not.toContain('a3');
  expect(tried).not.toContain('a4');
  await group.stop();

  const stillBroken = start(reaction);
  await vi.waitFor(() => expect(stillBroken.status().reactions['recording']?.parkedStreams).toBe(1), 5000);
  await stillBroken.stop();

  broken = false;
  start(reaction);
  await append('backup-a', 'a5');
  await vi.waitFor(() => expect(done).toEqual(['a1', 'b1', 'bad', 'a3', 'a4', 'a5']), 5000);
  expect((await pool.query('SELECT 1 FROM reaction_parked')).rows).toEqual([]);
});

test('of two groups one is active, and the other takes over when it stops', async () => {
  const [left, right] = [recording(), recording()];
  const active = start(left.reaction);
  await vi.waitFor(() => expect(active.status().active).toBe(true), 5000);
  const waiting = start(right.reaction);
  await append('backup-a', '1', '2');
  await vi.waitFor(() => expect(left.done).toEqual(['1', '2']), 5000);
  expect(waiting.status().active).toBe(false);
  await active.stop();
  await append('backup-a', '3');
  await vi.waitFor(() => expect(right.done).toEqual(['3']), 5000);
  expect(left.done).toEqual(['1', '2']);
});

test('it goes on where it was when the server ends all of its connections', async () => {
  const { reaction, done } = recording();
  const group = start(reaction);
  await append('backup-a', '1');
  await vi.waitFor(() => expect(done).toEqual(['1']), 5000);
  await pool
    .query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    .catch(() => {});
  await vi.waitFor(() => append('backup-a', '2'), 5000);
  await vi.waitFor(() => expect(done).toEqual(['1', '2']), 8000);
  await vi.waitFor(() => expect(group.status().active).toBe(true), 5000);
});

test('stopping does not wait for what is away', async () => {
  const { reaction } = recording(() => new Away('for ever'));
  const group = start(reaction);
  await append('backup-a', '1');
  await vi.waitFor(() => expect(group.status().reactions['recording']?.waitingFor).toBe('for ever'), 5000);
  const began = performance.now();
  await group.stop();
  expect(performance.now() - began).toBeLessThan(1000);
  expect((await pool.query('SELECT 1 FROM reaction_checkpoints')).rows).toEqual([]);
});
