import { readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Client, Server } from '../clients/server.ts';
import { setting } from '../config/settings.ts';
import { applyRule } from './rules.ts';
import type { AclUser } from './shapes.ts';
import { describeUser, newUser } from './user.ts';
import { joinSelectors, replaceUsers, usersOf } from './users.ts';

const BLANKS = /[ \t\n\v\f\r\0]/;

/** The file that holds the users of a server of its own, if it was started with one. */
export function aclFile(server: Server): string | undefined {
  const name = server.host.standalone ? setting(server, 'aclfile') : '';
  return name === '' ? undefined : resolve(setting(server, 'dir'), name);
}

/** Reads the users of lines like `user alice on >pw ~* +@all`; or all that is wrong with them. */
function parseUsers(text: string, file: string, channelsAtFirst: boolean): AclUser[] | string {
  const users = new Map<string, AclUser>();
  let wrong = '';
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const place = `${file}:${i + 1}`;
    const [keyword, name, ...words] = line.trim().split(' ');
    if (keyword !== 'user' || name === undefined) {
      wrong += `${place} should start with user keyword followed by the username. `;
    } else if (BLANKS.test(name)) wrong += `'${place}: username '${name}' contains invalid characters. `;
    else if (users.has(name)) wrong += `WARNING: Duplicate user '${name}' found on line ${i + 1}. `;
    else {
      const user = newUser(name, channelsAtFirst);
      users.set(name, user);
      const rules = joinSelectors(words.map((word) => word.trim()));
      if (rules === undefined) wrong += `${place}: Unmatched parenthesis in selector definition.`;
      wrong += problemsOf(user, rules ?? [], place);
    }
  }
  return wrong === '' ? [...users.values()] : wrong;
}

/** Applies rules to a user; of those that make no sense, unknown commands are all told and the first of the rest. */
function problemsOf(user: AclUser, rules: readonly string[], place: string): string {
  let told = '';
  let syntax = false;
  for (const rule of rules) {
    const problem = rule === '' ? undefined : applyRule(user, rule);
    if (problem === undefined) continue;
    if (problem.startsWith('Unknown command')) told += `${place}: Error in applying operation '${rule}': ${problem}. `;
    else if (!syntax) {
      syntax = true;
      told += `${place}: ${problem}. `;
    }
  }
  return told;
}

/** Makes the users of the file those of the server; returns all that is wrong with it, and then nothing was changed. */
export function loadAclFile(server: Server, file: string, caller?: Client): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    return `Error loading ACLs, opening file '${file}': No such file or directory`;
  }
  const users = parseUsers(text, file, setting(server, 'acl-pubsub-default') === 'allchannels');
  if (typeof users === 'string') {
    return `${users}WARNING: ACL errors detected, no change to the previously active ACL rules was performed`;
  }
  replaceUsers(server, users, caller);
  return undefined;
}

/** Users given by `user` lines of the configuration, beside those there are. Throws with what is wrong with them. */
export function loadConfiguredUsers(server: Server, lines: readonly string[]): void {
  const text = lines.map((line) => `user ${line}`).join('\n');
  const users = parseUsers(text, 'redis.conf', setting(server, 'acl-pubsub-default') === 'allchannels');
  if (typeof users === 'string') throw new Error(users.trim());
  const named = new Set(users.map(({ name }) => name));
  replaceUsers(server, [...[...usersOf(server).values()].filter(({ name }) => !named.has(name)), ...users]);
}

/** Writes the users to the file, which is replaced as a whole once the new one is on the disk. */
export async function saveAclFile(server: Server, file: string): Promise<void> {
  const lines = [...usersOf(server)].map(([name, user]) => `user ${name} ${describeUser(user)}\n`).sort();
  const draft = `${file}.tmp-${process.pid}-${Date.now()}`;
  try {
    const handle = await open(draft, 'w', 0o644);
    try {
      await handle.writeFile(lines.join(''), 'latin1');
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
