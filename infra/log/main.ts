/** `npm run log`: looks after the event log of the platform in MINIREDIS_HOME, or of DATABASE_URL. */
import { UsageProblem } from '#infra/local/platform-log.ts';
import { Command, CommanderError } from 'commander';

import { addArchiveCommands } from './archive.ts';
import { addKeyCommands } from './keys.ts';
import { addGroupCommands } from './groups.ts';
import { addParkedCommands } from './parked.ts';

const program = new Command('log')
  .description('Looks after the event log of the platform in MINIREDIS_HOME.')
  .exitOverride();
addArchiveCommands(program);
addKeyCommands(program);
addGroupCommands(program);
addParkedCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said what is wrong by itself, and calls asking for help an error, too.
  const said = error instanceof CommanderError;
  if (error instanceof UsageProblem) console.error(error.message);
  else if (!said) console.error(`The log could not be reached: ${(error as Error).message}`);
  process.exitCode = said && error.exitCode === 0 ? 0 : 2;
}
