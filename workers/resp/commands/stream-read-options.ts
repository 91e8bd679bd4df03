import type { Client } from '../clients/server.ts';
import { SYNTAX } from '../protocol/errors.ts';
import { integerArg } from './arguments.ts';
import { millisecondsArg } from './timeouts.ts';

/** What stands before STREAMS in XREAD and XREADGROUP. */
export interface ReadOptions {
  /** 0 means all. */
  count: number;
  /** Absent when the command does not block; 0 means for ever. */
  blockMs: number | undefined;
  group: { readonly name: string; readonly consumer: string } | undefined;
  noAck: boolean;
  /** Where the keys begin; as many IDs follow them. */
  keysAt: number;
}

/** Reads the options; undefined when they are wrong (the error was sent). */
export function readOptions(
  client: Client,
  args: readonly string[],
  name: 'xread' | 'xreadgroup',
): ReadOptions | undefined {
  const options: ReadOptions = { count: 0, blockMs: undefined, group: undefined, noAck: false, keysAt: 0 };
  for (let at = 1; at < args.length && options.keysAt === 0;) {
    const taken = readOption(client, args, at, name, options);
    if (taken === undefined) return undefined;
    at += taken;
  }
  const error =
    options.keysAt === 0
      ? SYNTAX
      : name === 'xreadgroup' && options.group === undefined
        ? 'ERR Missing GROUP option for XREADGROUP'
        : undefined;
  if (error === undefined) return options;
  client.reply.error(error);
  return undefined;
}

/** Reads one option and returns how many words it took. */
function readOption(
  client: Client,
  args: readonly string[],
  at: number,
  name: 'xread' | 'xreadgroup',
  options: ReadOptions,
): number | undefined {
  const more = args.length - 1 - at;
  const word = args[at]!.toUpperCase();
  const fail = (line: string): undefined => client.reply.error(line) as undefined;
  if (word === 'BLOCK' && more >= 1) {
    if (client.scripted) return fail(`ERR ${args[0]!} command is not allowed with BLOCK option from scripts`);
    options.blockMs = millisecondsArg(client, args[at + 1]!);
    return options.blockMs === undefined ? undefined : 2;
  }
  if (word === 'COUNT' && more >= 1) {
    const count = integerArg(client, args[at + 1]!);
    if (count === undefined) return undefined;
    options.count = Math.max(0, count);
    return 2;
  }
  if (word === 'STREAMS' && more >= 1) {
    options.keysAt = at + 1;
    if (more % 2 === 0) return 1;
    const symbol = name === 'xread' ? '$' : '>';
    return fail(
      `ERR Unbalanced '${name}' list of streams: for each stream key an ID or '${symbol}' must be specified.`,
    );
  }
  if (word === 'GROUP' && more >= 2) {
    if (name === 'xread') return fail(onlyForGroups('GROUP'));
    options.group = { name: args[at + 1]!, consumer: args[at + 2]! };
    return 3;
  }
  if (word === 'NOACK') {
    if (name === 'xread') return fail(onlyForGroups('NOACK'));
    options.noAck = true;
    return 1;
  }
  return fail(SYNTAX);
}

function onlyForGroups(option: string): string {
  return `ERR The ${option} option is only supported by XREADGROUP. You called XREAD instead.`;
}

/** Where the keys of XREAD and XREADGROUP are: the first half of what follows STREAMS. */
export function streamKeys(args: readonly string[]): number[] {
  const at = args.findIndex((word, i) => i > 0 && word.toUpperCase() === 'STREAMS');
  if (at < 0) return [];
  const count = Math.floor((args.length - 1 - at) / 2);
  return Array.from({ length: count }, (_, i) => at + 1 + i);
}
