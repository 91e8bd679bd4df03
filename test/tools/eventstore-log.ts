import { createSecretKey } from 'node:crypto';

import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import { createPool } from '#infra/postgres/pool.ts';

import type { LogStore, OpenedLog } from '#infra/event-log/testing/contract/store.ts';
import { openEventStoreEventLog } from '#infra/event-log/eventstore/log.ts';
import { startTestServer, type TestServer } from '#infra/event-log/eventstore/testing/server/start.ts';

import { testDatabase } from './postgres.ts';

export interface OpenOptions {
  /** By which the server knows the connection. */
  readonly connectionName?: string;
  readonly graceMs?: number;
  readonly patienceMs?: number;
}

export interface EventStoreUnderTest extends LogStore {
  /** The test server; undefined where a real one is used. */
  readonly server: TestServer | undefined;
  open(options?: OpenOptions): OpenedLog;
}

/** A log on the server that `EVENTSTORE_URL` names, or on a test server of its own; the keys of subjects lie in PostgreSQL. */
export async function openStore(): Promise<EventStoreUnderTest> {
  const database = await testDatabase();
  const pool = createPool(database.url, { max: 3, name: 'keys of an EventStoreDB log' });
  const keys = openSubjectKeys(pool, createSecretKey(Buffer.alloc(32, 7)));
  const real = process.env['EVENTSTORE_URL'];
  const server = real === undefined || real === '' ? await startTestServer() : undefined;
  return {
    server,
    open({ connectionName, ...options } = {}) {
      const plain = server?.url ?? real ?? '';
      const separator = plain.includes('?') ? '&' : '?';
      const url = connectionName === undefined ? plain : `${plain}${separator}connectionName=${connectionName}`;
      const log = openEventStoreEventLog({ url, codec: openCodec(keys), ...options });
      return { log, close: () => log.close() };
    },
    async drop() {
      await server?.close();
      await pool.end();
      await database.drop();
    },
  };
}
