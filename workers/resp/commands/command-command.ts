import type { Client } from '../clients/server.ts';
import { matches } from '../protocol/glob.ts';
import { aclCategories } from './categories.ts';
import { keyPositions } from './command.ts';
import type { Command, CommandSpec, Run } from './command.ts';
import { commands } from './registry.ts';
import { resolve } from './execute.ts';

/** Flags of the table that are no flags to clients. */
const HIDDEN = new Set(['no_auth_needed', '']);

function flagsOf({ spec }: Command): string[] {
  const flags = spec.flags.split(' ').filter((flag) => !HIDDEN.has(flag));
  if (typeof spec.keys === 'function') flags.push('movablekeys');
  return flags;
}

function rangeOf({ spec }: Command): readonly [number, number, number] {
  return Array.isArray(spec.keys) ? (spec.keys as readonly [number, number, number]) : [0, 0, 0];
}

function describe(client: Client, command: Command): void {
  const { reply } = client;
  reply.array(10);
  reply.bulk(command.fullName);
  reply.integer(command.arity);
  const flags = flagsOf(command);
  reply.set(flags.length);
  for (const flag of flags) reply.simple(flag);
  for (const position of rangeOf(command)) reply.integer(position);
  const categories = aclCategories(command.spec);
  reply.set(categories.length);
  for (const category of categories) reply.simple(`@${category}`);
  reply.array(0);
  keySpecs(client, command);
  const subcommands = [...(command.subcommands?.values() ?? [])];
  reply.array(subcommands.length);
  for (const sub of subcommands) describe(client, sub);
}

/** The key specification of commands whose keys form one range. */
function keySpecs(client: Client, command: Command): void {
  const { reply } = client;
  const [first, last, step] = rangeOf(command);
  if (first === 0) {
    reply.array(0);
    return;
  }
  reply.array(1);
  reply.map(3);
  reply.bulk('flags');
  reply.set(1);
  reply.simple(command.write ? 'RW' : 'RO');
  reply.bulk('begin_search');
  reply.map(2);
  reply.bulk('type');
  reply.bulk('index');
  reply.bulk('spec');
  reply.map(1);
  reply.bulk('index');
  reply.integer(first);
  reply.bulk('find_keys');
  reply.map(2);
  reply.bulk('type');
  reply.bulk('range');
  reply.bulk('spec');
  reply.map(3);
  reply.bulk('lastkey');
  reply.integer(last < 0 ? last : last - first);
  reply.bulk('keystep');
  reply.integer(step);
  reply.bulk('limit');
  reply.integer(0);
}

/** The command of `name` or `container|name`. */
function named(name: string): Command | undefined {
  const [container, sub] = name.toLowerCase().split('|', 2);
  const command = commands.get(container!);
  return sub === undefined ? command : command?.subcommands?.get(sub);
}

const all: Run = (client) => {
  client.reply.array(commands.size);
  for (const command of commands.values()) describe(client, command);
};

const info: Run = (client, args) => {
  const wanted = args.length > 2 ? args.slice(2).map(named) : [...commands.values()];
  client.reply.array(wanted.length);
  for (const command of wanted) {
    if (command === undefined) client.reply.nullArray();
    else describe(client, command);
  }
};

const docs: Run = (client, args) => {
  const wanted = args.length > 2 ? args.slice(2).flatMap((name) => named(name) ?? []) : [...commands.values()];
  client.reply.map(wanted.length);
  for (const command of wanted) document(client, command);
};

function document(client: Client, command: Command): void {
  const { reply } = client;
  const { spec } = command;
  const subcommands = [...(command.subcommands?.values() ?? [])];
  reply.bulk(command.fullName);
  reply.map(subcommands.length > 0 ? 4 : 3);
  for (const field of ['summary', 'since', 'group'] as const) {
    reply.bulk(field);
    reply.bulk(spec[field]);
  }
  if (subcommands.length === 0) return;
  reply.bulk('subcommands');
  reply.map(subcommands.length);
  for (const sub of subcommands) document(client, sub);
}

/** GETKEYS and GETKEYSANDFLAGS. */
function getKeys(withFlags: boolean): Run {
  return (client, args) => {
    const { reply } = client;
    const request = args.slice(2);
    const command = resolve(request);
    if (typeof command === 'string') {
      const known = commands.has(request[0]!.toLowerCase());
      reply.error(known ? 'ERR Invalid number of arguments specified for command' : 'ERR Invalid command specified');
      return;
    }
    if (command.spec.keys === undefined) {
      reply.error('ERR The command has no key arguments');
      return;
    }
    const positions = keyPositions(command.spec, request);
    if (positions.length === 0) {
      reply.error('ERR Invalid arguments specified for command');
      return;
    }
    reply.array(positions.length);
    for (const position of positions) {
      if (withFlags) reply.array(2);
      reply.bulk(request[position]!);
      if (!withFlags) continue;
      reply.set(1);
      reply.simple(command.write ? 'RW' : 'RO');
    }
  };
}

const list: Run = (client, args) => {
  const { reply } = client;
  const all = [...commands.values()].flatMap((command) => [command, ...(command.subcommands?.values() ?? [])]);
  let wanted = all;
  if (args.length > 2) {
    const filter = args[3]?.toUpperCase();
    const value = args[4];
    if (args[2]!.toUpperCase() !== 'FILTERBY' || args.length !== 5 || value === undefined) {
      reply.error('ERR syntax error');
      return;
    }
    if (filter === 'PATTERN') wanted = all.filter(({ fullName }) => matches(value, fullName, true));
    else if (filter === 'ACLCAT') {
      wanted = all.filter(({ spec }) => aclCategories(spec).includes(value.toLowerCase()));
    } else if (filter === 'MODULE') wanted = [];
    else {
      reply.error('ERR syntax error');
      return;
    }
  }
  reply.set(wanted.length);
  for (const { fullName } of wanted) reply.bulk(fullName);
};

const row = (name: string, arity: number, since: string, summary: string, run: Run): CommandSpec => ({
  name,
  arity,
  flags: 'loading stale',
  group: 'server',
  since,
  summary,
  run,
});

export const commandCommands: readonly CommandSpec[] = [
  {
    ...row('command', -1, '2.8.13', 'Returns detailed information about all commands.', all),
    subcommands: [
      row('count', 2, '2.8.13', 'Returns a count of commands.', ({ reply }) => reply.integer(commands.size)),
      row('info', -2, '2.8.13', 'Returns information about one, multiple or all commands.', info),
      row('docs', -2, '7.0.0', 'Returns documentary information about one, multiple or all commands.', docs),
      row('getkeys', -3, '2.8.13', 'Extracts the key names from an arbitrary command.', getKeys(false)),
      row(
        'getkeysandflags',
        -3,
        '7.0.0',
        'Extracts the key names and access flags for an arbitrary command.',
        getKeys(true),
      ),
      row('list', -2, '7.0.0', 'Returns a list of command names.', list),
    ],
  },
];
