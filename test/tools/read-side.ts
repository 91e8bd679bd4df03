import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { RecordedEvent } from '#domains/kernel/envelope.ts';
import { loadMasterKey } from '#infra/crypto/master-key.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import type { Append, EventLog } from '#infra/event-log/event-log.ts';
import { openPostgresEventLog } from '#infra/event-log/postgres/log.ts';
import { createPool } from '#infra/postgres/pool.ts';
import type { ClientBase, Pool } from 'pg';

import { testDatabase } from './postgres.ts';
import { openTransport } from './transport.ts';

/** A real log and the database that holds it and its read models, of a test's own. */
export interface ReadSide {
  readonly url: string;
  readonly masterKeyFile: string;
  readonly pool: Pool;
  readonly log: EventLog;
  close(): Promise<void>;
}

/** Opens a new, empty log. */
export async function openReadSide(): Promise<ReadSide> {
  const database = await testDatabase();
  const pool = createPool(database.url, { max: 20, name: 'test' });
  const folder = await mkdtemp(path.join(tmpdir(), 'miniredis-read-side-'));
  const masterKeyFile = path.join(folder, 'master.key');
  const masterKey = await loadMasterKey(masterKeyFile);
  const codec = openCodec(openSubjectKeys(pool, masterKey));
  const transport = openTransport(pool);
  const log = transport.following(openPostgresEventLog({ pool, codec, notify: true }), codec);
  return {
    url: database.url,
    masterKeyFile,
    pool,
    log,
    async close() {
      await log.close();
      await transport.close();
      await pool.end();
      await database.drop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Appends these in order; each must be recorded. */
export async function appendAll(log: EventLog, appends: readonly Append[]): Promise<void> {
  for (const append of appends) {
    const result = await log.append(append);
    if (!result.ok) throw new Error(`append ${append.commandUid} was refused: ${result.conflict}`);
  }
}

/** The same, but appends to other streams go on meanwhile: each stream has its own in order. */
export async function appendTogether(log: EventLog, appends: readonly Append[]): Promise<void> {
  const last = new Map<string, Promise<void>>();
  for (const append of appends) {
    const names = append.streams.map(({ stream }) => stream);
    const appended = Promise.all(names.map((name) => last.get(name) ?? Promise.resolve())).then(() =>
      appendAll(log, [append]),
    );
    for (const name of names) last.set(name, appended);
  }
  await Promise.all(last.values());
}

/** The whole log. */
export async function everything(log: EventLog): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const batch of log.readAll({ after: 0n })) events.push(...batch);
  return events;
}

/** Polls until something holds; throws after ten seconds. */
export async function until(
  holds: () => Promise<boolean> | boolean,
  what: string,
  patience_ms = 10_000,
): Promise<void> {
  const end = Date.now() + patience_ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${patience_ms} ms: ${what}`);
    await sleep(10);
  }
}

/** Has the server end a connection right before the connection's n-th statement from now on. */
export function cutBefore(n: number, client: ClientBase, pool: Pool, cut: () => void): void {
  let left = n;
  const send = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
  const query = async (...args: unknown[]): Promise<unknown> => {
    left -= 1;
    if (left === 0) {
      cut();
      const { processID } = client as unknown as { processID: number };
      await pool.query('SELECT pg_terminate_backend($1)', [processID]);
    }
    return send(...args);
  };
  Object.assign(client, { query });
}
