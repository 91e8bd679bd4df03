import { createHash } from 'node:crypto';
import type { Command } from '../commands/command.ts';
import { commandCount, commandOf, commandsIn, numberOf } from './command-index.ts';
import { newSelector } from './user.ts';
import type { AclUser, Selector } from './shapes.ts';

/** What is wrong with a rule, in Redis's words. */
const UNKNOWN = 'Unknown command or category name in ACL';
const SYNTAX = 'Syntax error';
const AFTER_ALL_KEYS =
  "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns";
const AFTER_ALL_CHANNELS =
  "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels";
const NO_SUCH_PASSWORD = 'The password you are trying to remove from the user does not exist';
const BAD_HASH = 'The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters';
const OF_SUBCOMMAND = 'Allowing first-arg of a subcommand is not supported';

/** The SHA-256 of a password, as users keep it. */
export function passwordHash(password: string): string {
  return createHash('sha256').update(password, 'latin1').digest('hex');
}

/** Rules that are one word and nothing else. */
const WORDS: Readonly<Record<string, (user: AclUser) => void>> = {
  on: (user) => void (user.enabled = true),
  off: (user) => void (user.enabled = false),
  nopass: (user) => void Object.assign(user, { noPass: true, passwords: [] }),
  resetpass: (user) => void Object.assign(user, { noPass: false, passwords: [] }),
  'sanitize-payload': (user) => void (user.sanitizePayload = true),
  'skip-sanitize-payload': (user) => void (user.sanitizePayload = false),
  clearselectors: (user) => void (user.selectors.length = 1),
  reset: (user) =>
    void Object.assign(user, {
      enabled: false,
      noPass: false,
      sanitizePayload: true,
      passwords: [],
      selectors: [newSelector(user.channelsAtFirst)],
    }),
};

/** Changes a user by one rule; returns what is wrong with it, and then nothing was changed. */
export function applyRule(user: AclUser, rule: string): string | undefined {
  const word = Object.hasOwn(WORDS, rule.toLowerCase()) ? WORDS[rule.toLowerCase()] : undefined;
  if (word !== undefined) {
    word(user);
    return undefined;
  }
  switch (rule[0]) {
    // An empty rule changes nothing.
    case undefined:
      return undefined;
    case '>':
      return addPassword(user, passwordHash(rule.slice(1)));
    case '#':
      return isHash(rule.slice(1)) ? addPassword(user, rule.slice(1)) : BAD_HASH;
    case '<':
      return removePassword(user, passwordHash(rule.slice(1)));
    case '!':
      return isHash(rule.slice(1)) ? removePassword(user, rule.slice(1)) : BAD_HASH;
    case '(':
      return addSelector(user, rule);
    default:
      return applyToSelector(user.selectors[0]!, rule);
  }
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function addPassword(user: AclUser, hash: string): undefined {
  if (!user.passwords.includes(hash)) user.passwords.push(hash);
  user.noPass = false;
}

function removePassword(user: AclUser, hash: string): string | undefined {
  if (!user.passwords.includes(hash)) return NO_SUCH_PASSWORD;
  user.passwords = user.passwords.filter((other) => other !== hash);
  return undefined;
}

function addSelector(user: AclUser, rule: string): string | undefined {
  if (!rule.endsWith(')')) return SYNTAX;
  const selector = newSelector(user.channelsAtFirst);
  for (const part of rule.slice(1, -1).split(/[ \0]+/)) {
    if (part === '') continue;
    const problem = applyToSelector(selector, part);
    if (problem !== undefined) return problem;
  }
  user.selectors.push(selector);
  return undefined;
}

function applyToSelector(selector: Selector, rule: string): string | undefined {
  const lower = rule.toLowerCase();
  if (lower === 'allkeys' || rule === '~*') Object.assign(selector, { allKeys: true, keys: new Map() });
  else if (lower === 'resetkeys') Object.assign(selector, { allKeys: false, keys: new Map() });
  else if (lower === 'allchannels' || rule === '&*')
    Object.assign(selector, { allChannels: true, channels: new Map() });
  else if (lower === 'resetchannels') Object.assign(selector, { allChannels: false, channels: new Map() });
  else if (lower === 'allcommands' || lower === '+@all') setAll(selector, true);
  else if (lower === 'nocommands' || lower === '-@all') setAll(selector, false);
  else if (rule[0] === '~' || rule[0] === '%') return addKeys(selector, rule);
  else if (rule[0] === '&') return addChannel(selector, rule.slice(1));
  else if (/^[+-]@/.test(rule)) return setCategory(selector, lower.slice(2), rule[0] === '+');
  else if (rule[0] === '+') return allow(selector, lower.slice(1), rule.slice(1));
  else if (rule[0] === '-') return withhold(selector, lower.slice(1));
  else return SYNTAX;
  return undefined;
}

function setAll(selector: Selector, allowed: boolean): void {
  selector.commands = new Uint8Array(Math.ceil(commandCount() / 8)).fill(allowed ? 255 : 0);
  selector.future = allowed;
  selector.allCommands = allowed;
  selector.firstArgs = undefined;
  selector.rules = [];
}

function addKeys(selector: Selector, rule: string): string | undefined {
  const [, access, glob] = /^(~|%[rw]+~)([^]*)$/i.exec(rule) ?? [];
  if (access === undefined || glob === undefined || /[ \t\n\v\f\r\0]/.test(glob)) return SYNTAX;
  const read = access === '~' || /r/i.test(access);
  const write = access === '~' || /w/i.test(access);
  if (selector.allKeys) return AFTER_ALL_KEYS;
  const old = selector.keys.get(glob);
  selector.keys.set(glob, { read: old?.read === true || read, write: old?.write === true || write });
  return undefined;
}

function addChannel(selector: Selector, glob: string): string | undefined {
  if (selector.allChannels) return AFTER_ALL_CHANNELS;
  if (/[ \t\n\v\f\r\0]/.test(glob)) return SYNTAX;
  selector.channels.set(glob, true);
  return undefined;
}

function setCommand(selector: Selector, command: Command, allowed: boolean): void {
  const number = numberOf(command);
  const bit = 1 << (number & 7);
  const byte = selector.commands[number >> 3]!;
  selector.commands[number >> 3] = allowed ? byte | bit : byte & ~bit;
  if (!allowed) selector.allCommands = false;
  selector.firstArgs?.delete(command.fullName);
  for (const sub of command.subcommands?.values() ?? []) setCommand(selector, sub, allowed);
}

/** Keeps the rules about commands in order; a new one replaces those it makes void. */
function note(selector: Selector, subject: string, allowed: boolean): void {
  const rest = selector.rules.filter((rule) => rule.slice(1) !== subject && !rule.slice(1).startsWith(`${subject}|`));
  selector.rules = [...rest, `${allowed ? '+' : '-'}${subject}`];
}

function setCategory(selector: Selector, category: string, allowed: boolean): string | undefined {
  const found = commandsIn(category);
  if (found === undefined) return UNKNOWN;
  for (const command of found) setCommand(selector, command, allowed);
  note(selector, `@${category}`, allowed);
  return undefined;
}

function allow(selector: Selector, name: string, given: string): string | undefined {
  const bar = name.indexOf('|');
  const command = commandOf(bar < 0 ? name : name.slice(0, name.lastIndexOf('|')));
  if (command === undefined) return UNKNOWN;
  if (bar < 0) {
    setCommand(selector, command, true);
    note(selector, name, true);
    return undefined;
  }
  if (command.fullName.includes('|')) return OF_SUBCOMMAND;
  const argument = name.slice(name.lastIndexOf('|') + 1);
  if (argument === '') return SYNTAX;
  if (command.subcommands !== undefined) {
    const sub = command.subcommands.get(argument);
    if (sub === undefined) return UNKNOWN;
    setCommand(selector, sub, true);
  } else {
    selector.firstArgs ??= new Map();
    const args = selector.firstArgs.get(command.fullName) ?? new Set();
    selector.firstArgs.set(command.fullName, args.add(given.slice(given.lastIndexOf('|') + 1).toLowerCase()));
  }
  note(selector, name, true);
  return undefined;
}

function withhold(selector: Selector, name: string): string | undefined {
  const command = commandOf(name);
  if (command === undefined) return UNKNOWN;
  setCommand(selector, command, false);
  note(selector, name, false);
  return undefined;
}
