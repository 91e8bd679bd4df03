import { createSecretKey, type KeyObject } from 'node:crypto';

import type { DomainEvent } from '#domains/kernel/decider.ts';
import type { Metadata } from '#domains/kernel/envelope.ts';
import { openSubjectKeys, type SubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import { createPool } from '#infra/postgres/pool.ts';
import type { Pool } from 'pg';
import { v4 as uuidv4 } from 'uuid';

import type { Append, EventLog, ExpectedVersion } from '../event-log.ts';
import { openPostgresEventLog } from '../postgres/log.ts';

/** All logs of a test share it, in whatever process they are. */
export const masterKey: KeyObject = createSecretKey(Buffer.alloc(32, 7));

/** What one process of the platform has: a pool, keys, a log. */
export interface LogUnderTest {
  readonly pool: Pool;
  readonly keys: SubjectKeys;
  readonly log: EventLog;
  close(): Promise<void>;
}

interface Options {
  readonly notify?: boolean;
  readonly max?: number;
  readonly name?: string;
  readonly objects?: ObjectStore;
}

/** Opens a log on a migrated database. */
export function openLog(
  url: string,
  { max = 5, name = 'log under test', notify = true, objects }: Options = {},
): LogUnderTest {
  const pool = createPool(url, { max, name });
  const keys = openSubjectKeys(pool, masterKey);
  const log = openPostgresEventLog({ pool, codec: openCodec(keys), notify, ...(objects && { objects }) });
  return {
    pool,
    keys,
    log,
    async close() {
      await log.close();
      await pool.end();
    },
  };
}

/** Metadata with nothing personal in it. */
export const metadata: Metadata = {
  actor: { kind: 'system', id: 'test' },
  address: null,
  commandId: 'command-1',
  correlationId: 'correlation-1',
  causationId: null,
  trace: null,
  tenantId: 'tnt_1',
};

/** An event that says something freely chosen. */
export function said(reason: string): DomainEvent {
  return { type: 'NodeFailed', data: { nodeId: 'node_1', reason } };
}

/** An append of a command of its own, such as `appendOf(['node-a', 'no-stream', said('x')])`. */
export function appendOf(...streams: [stream: string, expected: ExpectedVersion, ...events: DomainEvent[]][]): Append {
  return {
    commandUid: uuidv4(),
    metadata,
    streams: streams.map(([stream, expectedVersion, ...events]) => ({ stream, expectedVersion, events })),
  };
}
