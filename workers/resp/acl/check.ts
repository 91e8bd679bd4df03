import type { Command } from '../commands/command.ts';
import { keyUses } from '../commands/key-uses.ts';
import type { KeyUse } from '../commands/key-uses.ts';
import { numberOf } from './command-index.ts';
import { anyMatches } from './patterns.ts';
import type { AclUser, Selector } from './shapes.ts';

/** Why a request is not allowed. `subject` is the command, key or channel. */
export interface Denial {
  readonly reason: 'command' | 'key' | 'channel';
  readonly subject: string;
}

interface ChannelUse {
  readonly first: number;
  readonly last: number;
  /** The arguments are patterns, which must be allowed word for word. */
  readonly patterns?: boolean;
}

/** Commands whose arguments are channels; leaving a channel is always allowed. */
const CHANNELS: ReadonlyMap<string, ChannelUse> = new Map([
  ['publish', { first: 1, last: 1 }],
  ['spublish', { first: 1, last: 1 }],
  ['subscribe', { first: 1, last: -1 }],
  ['ssubscribe', { first: 1, last: -1 }],
  ['psubscribe', { first: 1, last: -1, patterns: true }],
]);

const DEPTH = { command: 1, key: 2, channel: 4 } as const;

interface Found extends Denial {
  /** The argument that is denied. */
  readonly at: number;
}

/** Whether a user may make a request; the denial that came furthest when no selector allows it. */
export function denialOf(user: AclUser, command: Command, args: readonly string[]): Denial | undefined {
  let uses: KeyUse[] | undefined;
  const lazyUses = (): KeyUse[] => (uses ??= keyUses(command, args));
  let worst: Found = { reason: 'command', subject: command.fullName, at: 0 };
  for (const selector of user.selectors) {
    const denied = deniedBy(selector, command, args, lazyUses);
    if (denied === undefined) return undefined;
    const deeper = DEPTH[denied.reason] - DEPTH[worst.reason];
    if (deeper > 0 || (deeper === 0 && denied.at > worst.at)) worst = denied;
  }
  return worst;
}

function deniedBy(
  selector: Selector,
  command: Command,
  args: readonly string[],
  uses: () => readonly KeyUse[],
): Found | undefined {
  if (!selector.allCommands && !command.noAuth && !mayRun(selector, command, args)) {
    return { reason: 'command', subject: command.fullName, at: 0 };
  }
  if (!selector.allKeys) {
    const key = uses().find(({ at, flags }) => !mayUse(selector, args[at]!, flags));
    if (key !== undefined) return { reason: 'key', subject: args[key.at]!, at: key.at };
  }
  const channels = selector.allChannels ? undefined : CHANNELS.get(command.fullName);
  if (channels !== undefined) {
    const last = channels.last < 0 ? args.length + channels.last : channels.last;
    for (let at = channels.first; at <= last; at++) {
      const allowed = mayListen(selector, args[at]!, channels.patterns === true);
      if (!allowed) return { reason: 'channel', subject: args[at]!, at };
    }
  }
  return undefined;
}

function mayRun(selector: Selector, command: Command, args: readonly string[]): boolean {
  const number = numberOf(command);
  if ((selector.commands[number >> 3]! & (1 << (number & 7))) !== 0) return true;
  // The container's own bit does not matter: a subcommand that is resolved has a bit of its own.
  return args.length > 1 && selector.firstArgs?.get(command.fullName)?.has(args[1]!.toLowerCase()) === true;
}

const READS = new Set(['access']);
const WRITES = new Set(['insert', 'delete', 'update']);

function mayUse(selector: Selector, key: string, flags: readonly string[]): boolean {
  const reads = flags.some((flag) => READS.has(flag));
  const writes = flags.some((flag) => WRITES.has(flag));
  return anyMatches(selector.keys, key, ({ read, write }) => (read || !reads) && (write || !writes));
}

/** Whether a channel, or a pattern word for word, is among those allowed. */
export function mayListen(selector: Selector, channel: string, literally: boolean): boolean {
  if (selector.allChannels) return true;
  return literally ? selector.channels.has(channel) : anyMatches(selector.channels, channel, () => true);
}

/** Whether a user may make a request with any keys it names while it runs, as SORT does by patterns. */
export function mayReadAllKeys(user: AclUser, command: Command, args: readonly string[]): boolean {
  return user.selectors.some((selector) => {
    const all = selector.allKeys || selector.keys.get('*')?.read === true;
    return all && (selector.allCommands || mayRun(selector, command, args));
  });
}

/** The error text for a denial; with `verbose` it names the key or channel, as ACL DRYRUN does. */
export function denialText(user: string, { reason, subject }: Denial, verbose = false): string {
  if (reason === 'command') return `User ${user} has no permissions to run the '${subject}' command`;
  if (verbose) return `User ${user} has no permissions to access the '${subject}' ${reason}`;
  return `No permissions to access a ${reason}`;
}
