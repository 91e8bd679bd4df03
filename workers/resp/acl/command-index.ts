import { aclCategories, CATEGORIES } from '../commands/categories.ts';
import type { Command } from '../commands/command.ts';
import { commands } from '../commands/registry.ts';

const numbers = new Map<string, number>();
const byCategory = new Map<string, readonly Command[]>();

/** Every command and subcommand, a container before its subcommands. */
function everyCommand(): Command[] {
  return [...commands.values()].flatMap((command) => [command, ...(command.subcommands?.values() ?? [])]);
}

/** How many commands and subcommands there are. */
export function commandCount(): number {
  number();
  return numbers.size;
}

function number(): void {
  if (numbers.size > 0) return;
  for (const command of everyCommand()) numbers.set(command.fullName, numbers.size);
}

/** The place of a command in the bitmaps of users. */
export function numberOf(command: Command): number {
  number();
  return numbers.get(command.fullName)!;
}

/** The commands of a category, or undefined when there is no such category. */
export function commandsIn(category: string): readonly Command[] | undefined {
  if (!CATEGORIES.includes(category)) return undefined;
  let found = byCategory.get(category);
  if (found === undefined) {
    found = everyCommand().filter(({ spec }) => aclCategories(spec).includes(category));
    byCategory.set(category, found);
  }
  return found;
}

/** The command of `name` or `container|subcommand`, in any case. */
export function commandOf(name: string): Command | undefined {
  const [container, sub, ...more] = name.toLowerCase().split('|');
  const command = commands.get(container!);
  if (sub === undefined || more.length > 0) return more.length > 0 ? undefined : command;
  return command?.subcommands?.get(sub);
}
