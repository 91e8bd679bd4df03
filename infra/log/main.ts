/** `npm run log`: works on the event log of the platform in MINIREDIS_HOME. */
import { Command } from 'commander';

import { archiveCommand } from './archive-command.ts';
import { UsageProblem } from './running-platform.ts';

/** Each comes with its own subcommands, in a file of its own. */
const commands = [archiveCommand];

const program = new Command('log').description('Works on the event log of the platform in MINIREDIS_HOME.');
for (const command of commands) program.addCommand(command());

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof UsageProblem) console.error(error.message);
  else console.error(`The log could not be worked on: ${(error as Error).message}`);
  process.exitCode = 2;
}
