import { existsSync } from 'node:fs';

import { parseSettings, type Settings } from '#infra/config/config.ts';
import { masterKeyOf, type MasterKey } from '#infra/crypto/master-key.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { openEventLog } from '#infra/event-log/open.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import { openObjectStore } from '#infra/object-store/open.ts';
import { createPool } from '#infra/postgres/pool.ts';
import type { Pool } from 'pg';

import { readPlatformFile } from './platform-file.ts';

/** Something that whoever typed the command can put right; the message says how. */
export class UsageProblem extends Error {
  override readonly name = 'UsageProblem';
}

/** The log and the database of a platform, as a command line works on them. */
export interface PlatformLog {
  readonly settings: Settings;
  readonly log: EventLog;
  readonly pool: Pool;
  readonly masterKey: MasterKey;
  readonly objects: ObjectStore;
}

/** Does some work on the platform that the environment names: the one that runs in MINIREDIS_HOME, or DATABASE_URL. */
export async function withPlatformLog<Result>(
  name: string,
  work: (parts: PlatformLog) => Promise<Result>,
): Promise<Result> {
  const settings = settingsOf(process.env);
  const databaseUrl = settings.databaseUrl ?? readPlatformFile(settings.home)?.databaseUrl;
  if (databaseUrl === undefined) {
    throw new UsageProblem(`No platform runs in ${settings.home}; start it, or set MINIREDIS_HOME or DATABASE_URL.`);
  }
  if (settings.masterKey === undefined && !existsSync(settings.masterKeyFile)) {
    throw new UsageProblem(`There is no master key ${settings.masterKeyFile}; set MINIREDIS_HOME or MASTER_KEY_FILE.`);
  }
  const masterKey = await masterKeyOf(settings);
  const objects = await openObjectStore(settings.objectStoreUrl);
  const pool = createPool(databaseUrl, { max: 5, name: `miniredis ${name}` });
  const codec = openCodec(openSubjectKeys(pool, masterKey));
  const log = openEventLog(settings.eventStoreUrl, { pool, codec, notify: false, objects });
  try {
    return await work({ settings, log, pool, masterKey, objects });
  } finally {
    await log.close();
    await pool.end();
  }
}

function settingsOf(env: NodeJS.ProcessEnv): Settings {
  const parsed = parseSettings(env);
  if (parsed.ok) return parsed.settings;
  throw new UsageProblem(parsed.problems.join('\n'));
}
