import { commandCount } from './command-index.ts';

/** Keys that match `glob` may be read, written or both. */
export interface KeyPattern {
  readonly glob: string;
  readonly read: boolean;
  readonly write: boolean;
}

/** One set of permissions; a request is allowed when one of a user's selectors allows all of it. */
export interface Selector {
  /** A bit for each command and subcommand of the table. */
  commands: Uint8Array;
  /** Commands that the table gets later are allowed too. */
  future: boolean;
  /** Nothing was taken away since +@all. */
  allCommands: boolean;
  /** First arguments with which a command is allowed that is not allowed as a whole. */
  firstArgs: Map<string, Set<string>> | undefined;
  /** The rules about commands since the last +@all or -@all, as they were given. */
  rules: string[];
  allKeys: boolean;
  keys: KeyPattern[];
  allChannels: boolean;
  channels: string[];
}

/** A user of a node. */
export interface AclUser {
  readonly name: string;
  enabled: boolean;
  noPass: boolean;
  sanitizePayload: boolean;
  /** SHA-256 in hex. */
  passwords: string[];
  /** The first is that of the user itself. */
  selectors: Selector[];
}

/** Permissions that allow nothing. */
export function newSelector(): Selector {
  return {
    commands: new Uint8Array(Math.ceil(commandCount() / 8)),
    future: false,
    allCommands: false,
    firstArgs: undefined,
    rules: [],
    allKeys: false,
    keys: [],
    allChannels: false,
    channels: [],
  };
}

/** A user as SETUSER makes it when there is none: off, without a password, allowed nothing. */
export function newUser(name: string): AclUser {
  return { name, enabled: false, noPass: false, sanitizePayload: true, passwords: [], selectors: [newSelector()] };
}

/** A copy that can be changed without the original. */
export function copyUser(user: AclUser): AclUser {
  const copySelector = (one: Selector): Selector => ({
    ...one,
    commands: one.commands.slice(),
    firstArgs: one.firstArgs && new Map(Array.from(one.firstArgs, ([name, args]) => [name, new Set(args)])),
    rules: [...one.rules],
    keys: [...one.keys],
    channels: [...one.channels],
  });
  return { ...user, passwords: [...user.passwords], selectors: user.selectors.map(copySelector) };
}

/** Whether a user may do everything, so that nothing has to be checked. */
export function isUnrestricted({ selectors: [root] }: AclUser): boolean {
  return root!.allCommands && root!.allKeys && root!.allChannels;
}

export function patternText({ glob, read, write }: KeyPattern): string {
  return read && write ? `~${glob}` : `%${read ? 'R' : 'W'}~${glob}`;
}

/** The rules about commands, beginning with all or none. */
export function commandRules(selector: Selector): string {
  return [selector.future ? '+@all' : '-@all', ...selector.rules].join(' ');
}

/** The rules about keys. */
export function keyRules({ allKeys, keys }: Selector): string {
  return allKeys ? '~*' : keys.map(patternText).join(' ');
}

/** The rules about channels. */
export function channelRules({ allChannels, channels }: Selector): string {
  return allChannels ? '&*' : channels.map((channel) => `&${channel}`).join(' ');
}

/** The words ACL GETUSER lists as flags. */
export function userFlags({ enabled, noPass, sanitizePayload }: AclUser): string[] {
  const flags = [enabled ? 'on' : 'off'];
  if (noPass) flags.push('nopass');
  flags.push(sanitizePayload ? 'sanitize-payload' : 'skip-sanitize-payload');
  return flags;
}

function selectorRules(selector: Selector): string {
  const channels = channelRules(selector);
  const words = [keyRules(selector), selector.allChannels ? channels : `resetchannels ${channels}`.trimEnd()];
  return [...words, commandRules(selector)].filter((word) => word !== '').join(' ');
}

/** All rules of a user as ACL LIST shows them: given to a user after `reset` they make the same one. */
export function describeUser(user: AclUser): string {
  const [root, ...others] = user.selectors;
  return [
    ...userFlags(user),
    ...user.passwords.map((hash) => `#${hash}`),
    selectorRules(root!),
    ...others.map((selector) => `(${selectorRules(selector)})`),
  ].join(' ');
}
