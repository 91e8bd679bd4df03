import { randomBytes } from 'node:crypto';
import { denialOf, denialText } from '../acl/check.ts';
import { aclFile, loadAclFile, saveAclFile } from '../acl/file.ts';
import { findUser } from '../acl/users.ts';
import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { cut, wrongSubcommand } from '../protocol/errors.ts';
import { integerArg } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { resolve } from './execute.ts';
import { commandNamed } from './registry.ts';
import { keylessRowsOf } from './rows.ts';

const BITS_MAX = 4096;

function generatePassword(client: Client, args: readonly string[]): void {
  const { reply } = client;
  if (args.length > 3) {
    reply.error(wrongSubcommand('ACL', 'GENPASS'));
    return;
  }
  const bits = args.length > 2 ? integerArg(client, args[2]!) : 256;
  if (bits === undefined) return;
  if (bits <= 0 || bits > BITS_MAX) {
    reply.error(
      'ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096',
    );
  } else {
    const digits = Math.ceil(bits / 4);
    reply.bulk(
      randomBytes(Math.ceil(digits / 2))
        .toString('hex')
        .slice(0, digits),
    );
  }
}

function log(client: Client, args: readonly string[]): void {
  const { server, reply } = client;
  if (args.length > 3) {
    reply.error(wrongSubcommand('ACL', 'LOG'));
    return;
  }
  if (args[2]?.toUpperCase() === 'RESET') {
    server.aclLog = undefined;
    reply.ok();
    return;
  }
  const count = args.length === 3 ? integerArg(client, args[2]!) : 10;
  if (count === undefined) return;
  const shown = server.aclLog?.slice(0, Math.max(0, count)) ?? [];
  reply.array(shown.length);
  for (const entry of shown) {
    const numbers = { 'entry-id': entry.id, 'timestamp-created': entry.createdMs };
    reply.map(10);
    reply.bulk('count');
    reply.integer(entry.count);
    for (const field of ['reason', 'context', 'object', 'username'] as const) {
      reply.bulk(field);
      reply.bulk(entry[field]);
    }
    reply.bulk('age-seconds');
    reply.double((clock.now - entry.updatedMs) / 1000);
    reply.bulk('client-info');
    reply.bulk(entry.clientInfo);
    for (const [field, value] of Object.entries({ ...numbers, 'timestamp-last-updated': entry.updatedMs })) {
      reply.bulk(field);
      reply.integer(value);
    }
  }
}

/** Says whether a user could run a command, without running it. */
function dryRun(client: Client, args: readonly string[]): void {
  const { server, reply } = client;
  const user = findUser(server, args[2]!);
  if (user === undefined) {
    reply.error(`ERR User '${cut(args[2]!, Infinity)}' not found`);
    return;
  }
  const request = args.slice(3);
  const command = resolve(request);
  if (typeof command === 'string') {
    // Of a container the subcommand must be known too; what is known has the wrong number of arguments.
    const known = commandNamed(request[0]!) !== undefined && !command.startsWith('ERR unknown');
    const name = known ? command : `ERR Command '${cut(request[0]!, Infinity)}' not found`;
    reply.error(name);
    return;
  }
  const denial = denialOf(user, command, request);
  if (denial === undefined) reply.ok();
  else reply.bulk(denialText(user.name, denial, true));
}

const NO_FILE =
  'ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.';

function load(client: Client): void {
  const { server, reply } = client;
  const file = aclFile(server);
  const problem = file === undefined ? NO_FILE.slice(4) : loadAclFile(server, file, client);
  if (problem === undefined) reply.ok();
  else reply.error(`ERR ${problem}`);
}

function save(client: Client): void {
  const { server, reply } = client;
  const file = aclFile(server);
  if (file === undefined) reply.error(NO_FILE);
  else {
    client.pending = saveAclFile(server, file).then(
      () => reply.ok(),
      () =>
        reply.error(
          'ERR There was an error trying to save the ACLs. Please check the server logs for more information',
        ),
    );
  }
}

const row = keylessRowsOf('server');

const ADMIN = 'admin noscript loading stale';
const FREE = 'noscript loading stale';

/** ACL's subcommands that change no user. */
export const aclToolSubcommands: readonly CommandSpec[] = [
  row('genpass', -2, FREE, '6.0.0', 'Generates a pseudorandom, secure password.', generatePassword),
  row('log', -2, ADMIN, '6.0.0', 'Lists recent security events generated due to ACL rules.', log),
  row('dryrun', -4, ADMIN, '7.0.0', 'Simulates the execution of a command by a user.', dryRun),
  row('load', 2, ADMIN, '6.0.0', 'Reloads the rules from the configured ACL file.', load),
  row('save', 2, ADMIN, '6.0.0', 'Saves the effective ACL rules in the configured ACL file.', save),
];
