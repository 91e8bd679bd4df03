import { existsSync } from 'node:fs';

import { parseSettings, type Settings } from '#infra/config/config.ts';
import { loadMasterKey } from '#infra/crypto/master-key.ts';
import { openSubjectKeys } from '#infra/crypto/subject-keys.ts';
import { openCodec } from '#infra/event-codec/codec.ts';
import type { EventLog } from '#infra/event-log/event-log.ts';
import { openPostgresEventLog } from '#infra/event-log/postgres/log.ts';
import { readPlatformFile } from '#infra/local/platform-file.ts';
import type { ObjectStore } from '#infra/object-store/object-store.ts';
import { openObjectStore } from '#infra/object-store/open.ts';
import { createPool } from '#infra/postgres/pool.ts';
import type { Pool } from 'pg';

/** Something that whoever typed the command can put right; the message says how. */
export class UsageProblem extends Error {
  override readonly name = 'UsageProblem';
}

/** The log of the platform that the environment names, for a command typed beside it. */
export interface RunningPlatform {
  readonly settings: Settings;
  readonly pool: Pool;
  readonly log: EventLog;
  readonly objects: ObjectStore;
}

/**
 * Runs a command's work on the platform in MINIREDIS_HOME, or on DATABASE_URL; the result is the process's exit code. Throws a
 * `UsageProblem` when there is none.
 */
export async function onRunningPlatform(
  command: string,
  work: (platform: RunningPlatform) => Promise<number>,
): Promise<void> {
  const settings = settingsOf(process.env);
  const databaseUrl = settings.databaseUrl ?? readPlatformFile(settings.home)?.databaseUrl;
  if (databaseUrl === undefined) {
    throw new UsageProblem(`No platform runs in ${settings.home}; start it, or set MINIREDIS_HOME or DATABASE_URL.`);
  }
  if (!existsSync(settings.masterKeyFile)) {
    throw new UsageProblem(`There is no master key ${settings.masterKeyFile}; set MINIREDIS_HOME or MASTER_KEY_FILE.`);
  }
  const masterKey = await loadMasterKey(settings.masterKeyFile);
  const objects = await openObjectStore(settings.objectStoreUrl);
  const pool = createPool(databaseUrl, { max: 5, name: `miniredis ${command}` });
  const codec = openCodec(openSubjectKeys(pool, masterKey));
  const log = openPostgresEventLog({ pool, codec, notify: false, objects });
  try {
    process.exitCode = await work({ settings, pool, log, objects });
  } finally {
    await log.close();
    await pool.end();
  }
}

/** Aborted by Ctrl-C, so that the work in hand is cleared away before the process ends. */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort(new UsageProblem('Interrupted; nothing was left half done.'));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return controller.signal;
}

function settingsOf(env: NodeJS.ProcessEnv): Settings {
  const parsed = parseSettings(env);
  if (parsed.ok) return parsed.settings;
  throw new UsageProblem(parsed.problems.join('\n'));
}
