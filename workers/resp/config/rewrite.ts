import { readFile, rename, writeFile } from 'node:fs/promises';
import { describeUser } from '../acl/user.ts';
import { usersOf } from '../acl/users.ts';
import type { Server } from '../clients/server.ts';
import { everyName, parameterOf } from './catalogue.ts';
import type { Parameter } from './catalogue.ts';
import { effects } from './effects.ts';
import { setting } from './settings.ts';

/** What a parameter is now. */
export function valueOf(server: Server, { name }: Parameter): string {
  return effects.get(name)?.get(server) ?? setting(server, name);
}

/** A value as one word of a configuration file, or as the words it consists of. */
function written({ kind, name, many }: Parameter, value: string): string {
  const several = kind === 'numbers' || kind === 'other' || many || name === 'bind';
  if (several && value !== '' && name !== 'notify-keyspace-events') return value;
  if (/^[!#-&(-[\]-~]+$/.test(value)) return value;
  const escaped = value.replace(/["\\]|[^ -~]/g, (char) =>
    char === '"' || char === '\\' ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped}"`;
}

/**
 * Writes what parameters are now to the configuration file (CONFIG REWRITE). Lines of the file stay where they are; what
 * is not as it is at first and not in the file yet comes after them, and the ACL users unless they have a file of their own.
 */
export async function rewriteConfig(server: Server, file: string): Promise<void> {
  const done = new Set<string>();
  const line = (found: Parameter): string => `${found.name} ${written(found, valueOf(server, found))}`;
  const lines: string[] = [];
  for (const old of (await readFile(file, 'latin1')).split('\n')) {
    const word = old.trim().split(/\s/, 1)[0]!;
    const found = word === '' || word.startsWith('#') ? undefined : parameterOf(word);
    if (found === undefined) {
      if (word.toLowerCase() !== 'user') lines.push(old);
    } else if (!done.has(found.name)) {
      done.add(found.name);
      lines.push(line(found));
    }
  }
  while (lines.at(-1) === '') lines.pop();
  for (const found of new Set(everyName().values())) {
    if (!done.has(found.name) && valueOf(server, found) !== found.initial) lines.push(line(found));
  }
  if (setting(server, 'aclfile') === '') {
    for (const [name, user] of usersOf(server)) lines.push(`user ${name} ${describeUser(user)}`);
  }
  const draft = `${file}.tmp-${process.pid}`;
  await writeFile(draft, `${lines.join('\n')}\n`, 'latin1');
  await rename(draft, file);
}
