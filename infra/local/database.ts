import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { migrate } from '#infra/postgres/migrate.ts';

import type { Logger } from '../logging/log.ts';
import { openLog } from './home.ts';
import type { Launched } from './launch.ts';
import { ensureDatabase, launchPostmaster, type PostmasterOptions, urlOf } from './postgres/postmaster.ts';
import { endSurvivors } from './postgres/survivors.ts';
import { type ChildState, supervise, type Supervised } from './supervise.ts';
import { CannotStart } from './take-home.ts';

const databaseName = 'miniredis';

/** The address of the platform's database on the home's PostgreSQL. */
export function databaseUrlOf(options: PostmasterOptions): string {
  return urlOf(options, databaseName);
}

/** Keeps the home's PostgreSQL running; it is ready when the platform's database is there too. */
export function keepPostgres(
  home: string,
  options: PostmasterOptions,
  log: Logger,
  onState: (state: ChildState) => void,
): Supervised {
  const launch = async (): Promise<Launched> => {
    // Back ends of a postmaster that was killed hold its shared memory until they notice; they are not waited for.
    await endSurvivors(options.folder);
    const logFd = openLog(home, 'postgres');
    const launched = launchPostmaster(options, logFd);
    closeSync(logFd);
    const ready = launched.ready.then(() => ensureDatabase(urlOf(options, 'postgres'), databaseName));
    ready.catch(() => {});
    return { ...launched, ready };
  };
  return supervise('postgres', launch, log, onState);
}

/** Errors of a server that is on its way up or was just lost: worth another try. Classes 08 and 57P of PostgreSQL, and sockets. */
const passing = /^(08|57P)|^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)$/;
const attempts = 20;

/** Brings the schema up to date, through short absences of the server. Throws `CannotStart` when that is not possible. */
export async function migrateDatabase(url: string, log: Logger): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await migrate(url);
      return;
    } catch (error) {
      const { code = '', message } = error as Error & { code?: string };
      log.warn({ err: error, attempt }, 'the schema could not be brought up to date');
      if (attempt === attempts || !(passing.test(code) || /terminated|closed/.test(message))) {
        const reason = (message || code).replace(/\.$/, '');
        // A server's own refusals and those of the network have a code; what is wrong with the schema says what to do.
        const remedy = code === '' ? '' : ' Is DATABASE_URL right?';
        throw new CannotStart(`The database could not be made ready: ${reason}.${remedy}`, { cause: error });
      }
      await sleep(250);
    }
  }
}
