import type { Client } from '../clients/server.ts';
import { matches } from '../protocol/glob.ts';
import { writeDocumentation } from './command-documentation.ts';
import { aclCategories } from './categories.ts';
import type { Command, CommandSpec, Run } from './command.ts';
import { commands } from './registry.ts';
import { tipsOf } from './command-tips.ts';
import { resolve } from './execute.ts';
import { placesOfKeys } from './key-places.ts';
import { keyUses } from './key-uses.ts';
import { writeKeyPlaces } from './key-places-reply.ts';

/** The flags that clients are told of, in Redis's order. */
const FLAGS =
  'write readonly denyoom module admin pubsub noscript blocking loading stale skip_monitor skip_slowlog asking fast no_auth no_mandatory_keys no_async_loading no_multi movablekeys allow_busy'.split(
    ' ',
  );

function flagsOf({ spec, fullName, noAuth }: Command): string[] {
  const flags = new Set(spec.flags.split(' '));
  if (noAuth) flags.delete('no_multi');
  const vague = placesOfKeys(fullName).some(
    ({ find, flags: uses }) => find === undefined || uses.includes('incomplete'),
  );
  if (typeof spec.keys === 'function' || vague) flags.add('movablekeys');
  return FLAGS.filter((flag) => flags.has(flag));
}

/** First, last and step of the keys, as clients that know no key specifications want them. */
function rangeOf({ spec, fullName }: Command): readonly [number, number, number] {
  if (Array.isArray(spec.keys)) return spec.keys as readonly [number, number, number];
  const [place] = placesOfKeys(fullName);
  if (typeof place?.begin !== 'number' || place.find?.type !== 'range') return [0, 0, 0];
  const { last, step } = place.find;
  return [place.begin, last < 0 ? last : place.begin + last, step];
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
  const tips = tipsOf(command.fullName);
  reply.set(tips.length);
  for (const tip of tips) reply.bulk(tip);
  writeKeyPlaces(reply, command.fullName);
  const subcommands = [...(command.subcommands?.values() ?? [])];
  if (subcommands.length === 0) reply.set(0);
  else reply.array(subcommands.length);
  for (const sub of subcommands) describe(client, sub);
}

/** The command of `name` or `container|name`. */
function named(name: string): Command | undefined {
  const [container, ...sub] = name.toLowerCase().split('|');
  const command = commands.get(container!);
  return sub.length === 0 ? command : command?.subcommands?.get(sub.join('|'));
}

const all: Run = (client) => {
  client.reply.array(commands.size);
  for (const command of commands.values()) describe(client, command);
};

const info: Run = (client, args) => {
  const wanted = args.length > 2 ? args.slice(2).map(named) : [...commands.values()];
  client.reply.array(wanted.length);
  for (const command of wanted) {
    if (command === undefined) client.reply.null();
    else describe(client, command);
  }
};

const docs: Run = (client, args) => {
  const wanted = args.length > 2 ? args.slice(2).flatMap((name) => named(name) ?? []) : [...commands.values()];
  client.reply.map(wanted.length);
  for (const command of wanted) writeDocumentation(client.reply, command);
};

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
    if (placesOfKeys(command.fullName).every(({ flags }) => flags.includes('not_key'))) {
      reply.error('ERR The command has no key arguments');
      return;
    }
    const uses = keyUses(command, request);
    if (uses.length === 0 && !command.spec.flags.includes('no_mandatory_keys')) {
      reply.error('ERR Invalid arguments specified for command');
      return;
    }
    reply.array(uses.length);
    for (const { at, flags } of uses) {
      if (withFlags) reply.array(2);
      reply.bulk(request[at]!);
      if (!withFlags) continue;
      reply.set(flags.length);
      for (const flag of flags) reply.simple(flag);
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
  reply.array(wanted.length);
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
  acl: 'connection',
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
