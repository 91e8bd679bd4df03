import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandNamed } from '#workers/resp/commands/registry.ts';
import { registerCommands } from '#workers/resp/commands/table.ts';
import { withheldCommands } from '#workers/resp/commands/withheld.ts';
import { table } from './markdown.ts';

/** A command of Redis, as its source tree describes it. */
export interface SuiteCommand {
  /** `name`, or `container|name`, in lower case. */
  readonly name: string;
  readonly group: string;
  readonly since: string;
}

interface Description {
  readonly container?: string;
  readonly group: string;
  readonly since: string;
}

/** All commands of a source tree of Redis: it has a JSON file for each. */
export async function commandsOf(source: string): Promise<SuiteCommand[]> {
  const folder = join(source, 'src/commands');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  const found = await Promise.all(
    files.map(async (file) => {
      const described = JSON.parse(await readFile(join(folder, file), 'utf8')) as Record<string, Description>;
      return Object.entries(described).map(([name, { container, group, since }]) => ({
        name: `${container === undefined ? '' : `${container}|`}${name}`.toLowerCase(),
        group,
        since,
      }));
    }),
  );
  return found.flat().toSorted((a, b) => (a.group === b.group ? compare(a.name, b.name) : compare(a.group, b.group)));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** One table a group: which of Redis's commands the engine has, and the remarks on them. */
export function commandTable(theirs: readonly SuiteCommand[], remarks: Readonly<Record<string, string>>): string {
  registerCommands();
  const withheld = new Set(withheldCommands.map(({ name }) => name));
  const state = (name: string): string => {
    const [container, sub] = name.split('|') as [string, string | undefined];
    if (withheld.has(container)) return 'withheld';
    const command = commandNamed(container);
    if (command === undefined) return 'no';
    return sub === undefined || command.subcommands?.has(sub) === true ? 'yes' : 'no';
  };
  const groups = [...new Set(theirs.map(({ group }) => group))];
  const known = theirs.filter(({ name }) => state(name) === 'yes').length;
  return [
    `${known} of ${theirs.length} commands and subcommands are there.`,
    ...groups.map((group) => {
      const rows = theirs
        .filter((one) => one.group === group)
        .map(({ name, since }) => [name.toUpperCase(), since, state(name), remarks[name] ?? '']);
      return `### ${group}\n\n${table(['command', 'since', 'there', 'remark'], rows)}`;
    }),
  ].join('\n\n');
}
