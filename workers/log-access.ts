import type { Config } from '#infra/config/config.ts';
import { masterKeyOf, type MasterKey } from '#infra/crypto/master-key.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { openEventLog } from '#infra/event-log/open.ts';
import { patiently } from '#infra/event-log/postgres/transient.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import { openObjectStore } from '#infra/object-store/open.ts';
import { withTransport } from '#infra/kafka/source/with-transport.ts';
import type { Logger } from '#infra/logging/log.ts';
import { migrate } from '#infra/postgres/migrate.ts';
import { createPool } from '#infra/postgres/pool.ts';
import type { Pool } from 'pg';

/** A database that starts at the same time as the role, or again, is there by then. */
const databasePatience_ms = 60_000;

/** The log and the database it is in, as a role needs them. */
export interface LogAccess {
  readonly pool: Pool;
  readonly log: EventLog;
  readonly masterKey: MasterKey;
  readonly objects: ObjectStore;
  close(): Promise<void>;
}

/** Opens the log that the configuration names, with the database brought up to date. */
export async function openLogAccess(
  config: Pick<
    Config,
    'databaseUrl' | 'eventStoreUrl' | 'masterKey' | 'masterKeyFile' | 'objectStoreUrl' | 'kafka' | 'streamTransport'
  >,
  name: string,
  logger: Logger,
): Promise<LogAccess> {
  const { databaseUrl, eventStoreUrl, objectStoreUrl } = config;
  await patiently(databasePatience_ms, () => migrate(databaseUrl));
  const masterKey = await masterKeyOf(config);
  const pool = createPool(databaseUrl, { name: `miniredis ${name}` });
  const objects = await openObjectStore(objectStoreUrl);
  const codec = openCodec(openSubjectKeys(pool, masterKey));
  const stored = openEventLog(eventStoreUrl, { pool, codec, notify: true, objects });
  const log = withTransport(stored, { config, codec, name, logger });
  return {
    pool,
    log,
    masterKey,
    objects,
    close: async () => {
      await log.close();
      await pool.end();
    },
  };
}
