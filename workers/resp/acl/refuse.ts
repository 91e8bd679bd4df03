import type { Client } from '../clients/server.ts';
import type { Command } from '../commands/command.ts';
import { denialOf, denialText } from './check.ts';
import { noteDenial } from './log.ts';

/** The error line for a request that the client's user may not make, noted in the ACL log; undefined when it may. */
export function aclRefusal(client: Client, command: Command, args: readonly string[]): string | undefined {
  const { restrictedTo: user } = client;
  if (user === undefined) return undefined;
  const denial = denialOf(user, command, args);
  if (denial === undefined) return undefined;
  noteDenial(client, denial.reason, denial.subject);
  return `NOPERM ${denialText(user.name, denial)}`;
}

const AT_EXEC = {
  command: 'no permission to execute the command or subcommand',
  key: 'no permission to touch the specified keys',
  channel: 'no permission to access one of the channels used as argument to the command',
} as const;

/** As `aclRefusal` for a queued command: its user's rules may have changed since. */
export function aclRefusalAtExec(client: Client, command: Command, args: readonly string[]): string | undefined {
  const { restrictedTo: user } = client;
  if (user === undefined) return undefined;
  const denial = denialOf(user, command, args);
  if (denial === undefined) return undefined;
  noteDenial(client, denial.reason, denial.subject);
  return `NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: ${AT_EXEC[denial.reason]}`;
}
