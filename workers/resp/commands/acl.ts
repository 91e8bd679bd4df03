import { commandsIn } from '../acl/command-index.ts';
import { CATEGORIES } from './categories.ts';
import { applyRule } from '../acl/rules.ts';
import { channelRules, commandRules, describeUser, keyRules, userFlags } from '../acl/user.ts';
import type { Selector } from '../acl/shapes.ts';
import { DEFAULT_USER, deleteUser, draftOf, findUser, joinSelectors, saveUser, usersOf } from '../acl/users.ts';
import type { Client, Server } from '../clients/server.ts';
import { cut, wrongSubcommand } from '../protocol/errors.ts';
import { aclToolSubcommands } from './acl-tools.ts';
import type { CommandSpec } from './command.ts';
import { keylessRowsOf } from './rows.ts';

/** Users count towards no memory limit, so a tenant can't have any number of them. */
const USERS_MAX = 1000;
const RULES_LENGTH_MAX = 16_384;
const TOO_MANY_RULES = `ERR The rules of an ACL user can take at most ${RULES_LENGTH_MAX} characters.`;

function setUser(client: Client, args: readonly string[]): void {
  const { server, reply, node } = client;
  const name = args[2]!;
  if (/[ \t\n\v\f\r\0]/.test(name)) {
    reply.error("ERR Usernames can't contain spaces or null characters");
    return;
  }
  let unclosed = '';
  const rules = joinSelectors(args.slice(3), (start) => (unclosed = start));
  if (rules === undefined) {
    reply.error(`ERR Unmatched parenthesis in acl selector starting at '${cut(unclosed, Infinity)}'.`);
    return;
  }
  // To apply rules takes longer the more there are.
  const given = rules.reduce((sum, { length }) => sum + length, 0);
  if (!server.host.standalone && !node.replaying && given > RULES_LENGTH_MAX) {
    reply.error(TOO_MANY_RULES);
    return;
  }
  const user = draftOf(server, name);
  for (const rule of rules) {
    const problem = applyRule(user, rule);
    if (problem === undefined) continue;
    reply.error(`ERR Error in ACL SETUSER modifier '${cut(rule, Infinity)}': ${problem}`);
    return;
  }
  if (!server.host.standalone && usersOf(server).size >= USERS_MAX && findUser(server, name) === undefined) {
    reply.error(`ERR A node can have at most ${USERS_MAX} ACL users; delete some with ACL DELUSER.`);
    return;
  }
  const rulesText = describeUser(user);
  if (!server.host.standalone && rulesText.length > RULES_LENGTH_MAX) {
    reply.error(TOO_MANY_RULES);
    return;
  }
  saveUser(server, user);
  // The journal gets what the user has become: hashes instead of passwords, and nothing that depends on what was before.
  node.dirty++;
  node.propagate(0, ['ACL', 'SETUSER', name, 'reset', ...rulesText.split(' ')]);
  reply.ok();
}

function deleteUsers(client: Client, args: readonly string[]): void {
  const { server, reply, node } = client;
  const names = args.slice(2);
  if (names.includes(DEFAULT_USER)) {
    reply.error("ERR The 'default' user cannot be removed");
    return;
  }
  const deleted = names.filter((name) => deleteUser(server, name, client)).length;
  if (deleted > 0) node.dirty++;
  reply.integer(deleted);
}

function describeSelector({ reply }: Client, selector: Selector): void {
  reply.bulk('commands');
  reply.bulk(commandRules(selector));
  reply.bulk('keys');
  reply.bulk(keyRules(selector));
  reply.bulk('channels');
  reply.bulk(channelRules(selector));
}

function getUser(client: Client, args: readonly string[]): void {
  const { server, reply } = client;
  const user = findUser(server, args[2]!);
  if (user === undefined) {
    reply.null();
    return;
  }
  const [root, ...selectors] = user.selectors;
  const flags = userFlags(user);
  reply.map(6);
  reply.bulk('flags');
  reply.set(flags.length);
  for (const flag of flags) reply.bulk(flag);
  reply.bulk('passwords');
  reply.bulks(user.passwords);
  describeSelector(client, root!);
  reply.bulk('selectors');
  reply.array(selectors.length);
  for (const selector of selectors) {
    reply.map(3);
    describeSelector(client, selector);
  }
}

function sortedUsers(server: Server): string[] {
  return [...usersOf(server).keys()].sort();
}

function list({ server, reply }: Client): void {
  reply.bulks(sortedUsers(server).map((name) => `user ${name} ${describeUser(findUser(server, name)!)}`));
}

function categories({ reply }: Client, args: readonly string[]): void {
  if (args.length > 3) reply.error(wrongSubcommand('ACL', 'CAT'));
  else if (args.length === 2) reply.bulks(CATEGORIES);
  else {
    const found = commandsIn(args[2]!.toLowerCase());
    if (found === undefined) reply.error(`ERR Unknown category '${cut(args[2]!)}'`);
    else reply.bulks(found.map(({ fullName }) => fullName));
  }
}

const row = keylessRowsOf('server');

const ADMIN = 'admin noscript loading stale';
const FREE = 'noscript loading stale';

/** ACL: who may do what in a node. The users are part of the node's data. */
export const aclCommands: readonly CommandSpec[] = [
  {
    name: 'acl',
    arity: -2,
    flags: '',
    group: 'server',
    since: '6.0.0',
    summary: 'A container for Access List Control commands.',
    subcommands: [
      row('setuser', -3, ADMIN, '6.0.0', 'Creates and modifies an ACL user and its rules.', setUser),
      row('getuser', 3, ADMIN, '6.0.0', 'Lists the ACL rules of a user.', getUser),
      row('deluser', -3, ADMIN, '6.0.0', 'Deletes ACL users, and terminates their connections.', deleteUsers),
      row('list', 2, ADMIN, '6.0.0', 'Dumps the effective rules in ACL file format.', list),
      row('users', 2, ADMIN, '6.0.0', 'Lists all ACL users.', ({ server, reply }) => reply.bulks(sortedUsers(server))),
      row('whoami', 2, FREE, '6.0.0', 'Returns the authenticated username of the current connection.', (client) =>
        client.reply.bulk(client.user),
      ),
      row('cat', -2, FREE, '6.0.0', 'Lists the ACL categories, or the commands inside a category.', categories),
      ...aclToolSubcommands,
    ],
  },
];
