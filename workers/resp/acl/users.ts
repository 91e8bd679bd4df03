import { timingSafeEqual } from 'node:crypto';
import type { Client, Server } from '../clients/server.ts';
import { subscriptionsOf } from '../clients/pubsub.ts';
import { setting } from '../config/settings.ts';
import { mayListen } from './check.ts';
import { applyRule, passwordHash } from './rules.ts';
import { copyUser, describeUser, isUnrestricted, newUser } from './user.ts';
import type { AclUser } from './shapes.ts';

/** The user of connections that name none; it is always there. */
export const DEFAULT_USER = 'default';

/** Whether there is anything about users that differs from a server nobody configured. */
function isPlain({ node, aclUsers, host }: Server): boolean {
  return node.aclUsers === undefined && aclUsers === undefined && (host.requirePass ?? '') === '';
}

/** The users of a node's server, made from their rules when first needed. */
export function usersOf(server: Server): Map<string, AclUser> {
  if (server.aclUsers !== undefined) return server.aclUsers;
  const users = new Map<string, AclUser>([[DEFAULT_USER, initialDefault(server)]]);
  for (const [name, rules] of server.node.aclUsers ?? []) {
    const user = newUser(name);
    // A rule about a command that this server does not have changes nothing that it does.
    for (const rule of joinSelectors(rules.split(' ')) ?? []) applyRule(user, rule);
    users.set(name, user);
  }
  // Whoever starts a server with a password means it, whatever the data says.
  const password = server.host.requirePass ?? '';
  if (password !== '') for (const rule of ['resetpass', `>${password}`]) applyRule(users.get(DEFAULT_USER)!, rule);
  return (server.aclUsers = users);
}

/** The default user nobody has changed. On the platform its password is the node's own, which is checked elsewhere. */
function initialDefault({ host }: Server): AclUser {
  const user = newUser(DEFAULT_USER);
  for (const rule of ['on', '~*', '&*', '+@all']) applyRule(user, rule);
  if (host.authenticate === undefined) applyRule(user, 'nopass');
  return user;
}

/** Puts the words of each selector together, `(+get ~a*)`; undefined when one is not closed, whose first word is told. */
export function joinSelectors(words: readonly string[], unclosed?: (start: string) => void): string[] | undefined {
  const rules: string[] = [];
  let open: string | undefined;
  let start = '';
  for (const word of words) {
    if (open === undefined && word[0] !== '(') rules.push(word);
    else {
      if (open === undefined) start = word;
      open = open === undefined ? word : `${open} ${word}`;
      if (!word.endsWith(')')) continue;
      rules.push(open);
      open = undefined;
    }
  }
  if (open === undefined) return rules;
  unclosed?.(start);
  return undefined;
}

/** A user of a node, if there is one of that name. */
export function findUser(server: Server, name: string): AclUser | undefined {
  return usersOf(server).get(name);
}

/** The user a connection is restricted to, or undefined when it may do everything. */
export function restrictionOf(server: Server, name: string): AclUser | undefined {
  if (isPlain(server)) return undefined;
  const user = findUser(server, name);
  return user === undefined || isUnrestricted(user) ? undefined : user;
}

/** Whether a user may log in at all; the password is another matter. */
export function isEnabled(server: Server, name: string): boolean {
  if (isPlain(server)) return name === DEFAULT_USER;
  return findUser(server, name)?.enabled === true;
}

/** Whether connections are let in without a password: a standalone server whose default user needs none. */
export function mayEnterFreely(server: Server): boolean {
  if (server.host.authenticate !== undefined) return false;
  if (isPlain(server)) return true;
  const user = findUser(server, DEFAULT_USER)!;
  return user.enabled && user.noPass;
}

/** Whether there is such a user, it is on, and the password is one of its own. Takes as long for any password. */
export function fits(server: Server, name: string, password: string): boolean {
  const user = findUser(server, name);
  if (user?.enabled !== true) return false;
  const given = Buffer.from(passwordHash(password));
  let right = user.noPass;
  for (const hash of user.passwords) right = timingSafeEqual(Buffer.from(hash), given) || right;
  return right;
}

/** Gives the default user of a server of its own another password, or lets everyone in when it is empty. */
export function requirePassword(server: Server, password: string): void {
  const user = findUser(server, DEFAULT_USER)!;
  server.host.requirePass = password;
  for (const rule of password === '' ? ['nopass'] : ['resetpass', `>${password}`]) applyRule(user, rule);
}

/** A copy of a user, or a new one, for rules to be tried on. */
export function draftOf(server: Server, name: string): AclUser {
  const known = findUser(server, name);
  const channelsAtFirst = setting(server, 'acl-pubsub-default') === 'allchannels';
  return known === undefined ? newUser(name, channelsAtFirst) : { ...copyUser(known), channelsAtFirst };
}

/** Makes a drafted user the node's. */
export function saveUser(server: Server, user: AclUser): void {
  const { node } = server;
  usersOf(server).set(user.name, user);
  (node.aclUsers ??= new Map()).set(user.name, describeUser(user));
  applyTo(server);
}

/** Removes a user and closes its connections; says whether there was one. */
export function deleteUser(server: Server, name: string, caller?: Client): boolean {
  if (!usersOf(server).delete(name)) return false;
  server.node.aclUsers?.delete(name);
  if (server.node.aclUsers?.size === 0) server.node.aclUsers = undefined;
  for (const client of server.clients.values()) {
    if (client.user === name && !client.privileged) close(client, caller);
  }
  return true;
}

function close(client: Client, caller: Client | undefined): void {
  if (client === caller) client.closing = true;
  else client.transport?.destroy();
}

/** Puts other users in the place of all; connections of those that are not the default user are closed. */
export function replaceUsers(server: Server, users: readonly AclUser[], caller?: Client): void {
  const { node } = server;
  const all = users.some(({ name }) => name === DEFAULT_USER) ? users : [initialDefault(server), ...users];
  server.aclUsers = new Map(all.map((user) => [user.name, user]));
  node.aclUsers = new Map(users.map((user) => [user.name, describeUser(user)]));
  for (const client of server.clients.values()) {
    if (client.user !== DEFAULT_USER && !client.privileged) close(client, caller);
  }
  applyTo(server);
}

/** After the users of the node were exchanged as a whole. */
export function reloadUsers(server: Server): void {
  if (server.aclUsers === undefined && server.node.aclUsers === undefined) return;
  server.aclUsers = undefined;
  applyTo(server);
}

/** Lets the connections of a node know what their users may do now. */
function applyTo(server: Server): void {
  const free = mayEnterFreely(server);
  for (const client of server.clients.values()) {
    if (client.privileged) continue;
    if (free && client.user === DEFAULT_USER) client.authenticated = true;
    client.restrictedTo = restrictionOf(server, client.user);
    if (findUser(server, client.user) === undefined || !mayKeepListening(client)) client.transport?.destroy();
  }
}

/** Whether all a client has subscribed to is still allowed to its user. */
function mayKeepListening(client: Client): boolean {
  const { restrictedTo: user } = client;
  if (user === undefined || client.subscriptions === 0) return true;
  const allowed = (channel: string, literally: boolean): boolean =>
    user.selectors.some((selector) => mayListen(selector, channel, literally));
  return (
    subscriptionsOf(client, 'subscribe').every((channel) => allowed(channel, false)) &&
    subscriptionsOf(client, 'ssubscribe').every((channel) => allowed(channel, false)) &&
    subscriptionsOf(client, 'psubscribe').every((pattern) => allowed(pattern, true))
  );
}
