import { compile } from './command.ts';
import type { Command, CommandSpec } from './command.ts';

/** The command table: one entry per name in lower case; hot look-ups also find names in upper case. */
export const commands = new Map<string, Command>();
const byName = new Map<string, Command>();

/** Adds rows to the command table. */
export function register(specs: readonly CommandSpec[]): void {
  for (const spec of specs) {
    const command = compile(spec);
    commands.set(spec.name, command);
    byName.set(spec.name, command);
    byName.set(spec.name.toUpperCase(), command);
  }
}

/** The last name that was looked for: requests often come in runs of the same. */
let lastName = '';
let last: Command | undefined;

/** The command of a name in any case, without looking at subcommands. */
export function commandNamed(name: string): Command | undefined {
  if (name === lastName) return last;
  lastName = name;
  last = byName.get(name) ?? commands.get(name.toLowerCase());
  return last;
}
