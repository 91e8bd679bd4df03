import { commandCount } from './command-index.ts';
import type { AclUser, Selector } from './shapes.ts';

/** Permissions that allow nothing, or just all channels. */
export function newSelector(allChannels = false): Selector {
  return {
    commands: new Uint8Array(Math.ceil(commandCount() / 8)),
    future: false,
    allCommands: false,
    firstArgs: undefined,
    rules: [],
    allKeys: false,
    keys: new Map(),
    allChannels,
    channels: new Map(),
  };
}

/** A user as SETUSER makes it when there is none: off, without a password, allowed nothing (but perhaps all channels). */
export function newUser(name: string, channelsAtFirst = false): AclUser {
  const selectors = [newSelector(channelsAtFirst)];
  return { name, enabled: false, noPass: false, sanitizePayload: true, passwords: [], selectors, channelsAtFirst };
}

/** A copy that can be changed without the original. */
export function copyUser(user: AclUser): AclUser {
  const copySelector = (one: Selector): Selector => ({
    ...one,
    commands: one.commands.slice(),
    firstArgs: one.firstArgs && new Map(Array.from(one.firstArgs, ([name, args]) => [name, new Set(args)])),
    rules: [...one.rules],
    keys: new Map(one.keys),
    channels: new Map(one.channels),
  });
  return { ...user, passwords: [...user.passwords], selectors: user.selectors.map(copySelector) };
}

/** Whether a user may do everything, so that nothing has to be checked. */
export function isUnrestricted({ selectors: [root] }: AclUser): boolean {
  return root!.allCommands && root!.allKeys && root!.allChannels;
}

function patternText([glob, { read, write }]: [string, { read: boolean; write: boolean }]): string {
  return read && write ? `~${glob}` : `%${read ? 'R' : 'W'}~${glob}`;
}

/** The rules about commands, beginning with all or none. */
export function commandRules(selector: Selector): string {
  return [selector.future ? '+@all' : '-@all', ...selector.rules].join(' ');
}

/** The rules about keys. */
export function keyRules({ allKeys, keys }: Selector): string {
  return allKeys ? '~*' : Array.from(keys, patternText).join(' ');
}

/** The rules about channels. */
export function channelRules({ allChannels, channels }: Selector): string {
  return allChannels ? '&*' : Array.from(channels.keys(), (channel) => `&${channel}`).join(' ');
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
