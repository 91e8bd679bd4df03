import type { CommandSpec } from './command.ts';

/** The ACL categories in Redis's order. */
export const CATEGORIES =
  'keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin fast slow blocking dangerous connection transaction scripting'.split(
    ' ',
  );

const BY_GROUP: Readonly<Record<string, readonly string[]>> = {
  string: ['string'],
  bitmap: ['bitmap'],
  hash: ['hash'],
  list: ['list'],
  set: ['set'],
  'sorted-set': ['sortedset'],
  stream: ['stream'],
  hyperloglog: ['hyperloglog'],
  geo: ['geo'],
  generic: ['keyspace'],
  connection: ['connection'],
  transactions: ['transaction'],
};

/** Commands whose group says nothing about their categories. */
const APART = new Set(['sort', 'sort_ro', 'wait', 'waitaof']);

/** The ACL categories of a command (without '@', in Redis's order), which follow from its flags and group as in Redis. */
export function aclCategories(spec: CommandSpec): string[] {
  const flags = new Set(spec.flags.split(' '));
  const found = new Set<string>(APART.has(spec.name) || spec.subcommands !== undefined ? [] : BY_GROUP[spec.group]);
  if (flags.has('write')) found.add('write');
  if (flags.has('readonly') && spec.group !== 'scripting') found.add('read');
  if (flags.has('admin')) found.add('admin').add('dangerous');
  if (flags.has('pubsub')) found.add('pubsub');
  if (flags.has('blocking')) found.add('blocking');
  found.add(flags.has('fast') ? 'fast' : 'slow');
  for (const category of spec.acl?.split(' ') ?? []) found.add(category);
  return CATEGORIES.filter((category) => found.has(category));
}
