import type { Client } from '../clients/server.ts';
import { rememberRead } from '../clients/tracking.ts';
import type { Command } from './command.ts';
import { keyUses } from './key-uses.ts';
import { windows } from './walk.ts';
import type { Walk } from './walk.ts';

/** Requests of more words are remembered in steps. */
const MANY_WORDS = 1024;

/** Whether what a client's request reads is to be remembered for it. */
function isRead(command: Command): boolean {
  return command.readOnly && command.spec.group !== 'scripting';
}

function keysOf(command: Command, args: readonly string[]): string[] {
  return keyUses(command, args).map(({ at }) => args[at]!);
}

/** Remembers what a client that tracks has read by a request of its own, or of a script that it runs. */
export function trackRead(client: Client, command: Command, args: readonly string[]): void {
  if (isRead(command)) rememberRead(client, keysOf(command, args));
}

/** Whether the keys of a client's request are so many that they are remembered in steps. */
export function readsMany({ tracking }: Client, command: Command, args: readonly string[]): boolean {
  return tracking !== undefined && args.length > MANY_WORDS && isRead(command);
}

/** What a command does in steps, if it does, and then the same of remembering what it has read: meanwhile nobody can change that. */
export function* walkAndTrack(client: Client, command: Command, args: readonly string[], walk: Walk | undefined): Walk {
  if (walk !== undefined) yield* walk;
  const keys = keysOf(command, args);
  yield* windows(keys.length, (from, to) => rememberRead(client, keys.slice(from, to)));
}

/** Remembers what a client that tracks has read; CLIENT CACHING holds for one command that is no CLIENT, or one transaction. */
export function track(client: Client, command: Command, args: readonly string[]): void {
  if (!readsMany(client, command, args)) trackRead(client, command, args);
  const { tracking } = client;
  if (tracking === undefined || client.executing || client.transaction !== undefined) return;
  if (!command.fullName.startsWith('client|')) tracking.caching = false;
}
