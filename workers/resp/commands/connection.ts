import { login } from '../clients/login.ts';
import type { Client } from '../clients/server.ts';
import { reset } from '../clients/session.ts';
import { DATABASE_COUNT } from '../keyspace/node.ts';
import { SYNTAX, wrongArity } from '../protocol/errors.ts';
import { parseInteger } from '../protocol/numbers.ts';
import { REDIS_VERSION } from '../version.ts';
import { int32Arg } from './arguments.ts';
import { clientSubcommands, invalidName } from './client.ts';
import type { CommandSpec } from './command.ts';

function auth(client: Client, args: readonly string[]): void {
  if (args.length > 3) {
    client.reply.error(SYNTAX);
    return;
  }
  const [username, password] = args.length === 3 ? [args[1], args[2]!] : [undefined, args[1]!];
  login(client, username, password, args[0]!, (refusal) => {
    if (refusal === undefined) client.reply.ok();
    else client.reply.error(refusal);
  });
}

interface HelloOptions {
  auth: { readonly username: string; readonly password: string } | undefined;
  name: string | undefined;
}

/** Reads what follows HELLO's version; an error line when it makes no sense. */
function helloOptions(args: readonly string[]): HelloOptions | string {
  const options: HelloOptions = { auth: undefined, name: undefined };
  for (let i = 2; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    if (option === 'AUTH' && i + 2 < args.length) {
      options.auth = { username: args[i + 1]!, password: args[i + 2]! };
      i += 2;
    } else if (option === 'SETNAME' && i + 1 < args.length) {
      options.name = args[++i]!;
      const problem = invalidName(options.name, 'Client names');
      if (problem !== undefined) return problem;
    } else return `ERR Syntax error in HELLO option '${args[i]!}'`;
  }
  return options;
}

function hello(client: Client, args: readonly string[]): void {
  const { reply } = client;
  let version: number | undefined;
  if (args.length > 1) {
    version = parseInteger(args[1]!);
    if (version === undefined) {
      reply.error('ERR Protocol version is not an integer or out of range');
      return;
    }
    if (version !== 2 && version !== 3) {
      reply.error('NOPROTO unsupported protocol version');
      return;
    }
  }
  const options = helloOptions(args);
  if (typeof options === 'string') {
    reply.error(options);
    return;
  }
  const finish = (refusal: string | undefined): void => {
    if (refusal !== undefined) reply.error(refusal);
    else if (client.authenticated) greet(client, version, options.name);
    else {
      reply.error(
        'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
      );
    }
  };
  // A user without a password may be named even where a lone password would be refused.
  if (options.auth !== undefined) login(client, options.auth.username, options.auth.password, args[0]!, finish);
  else finish(undefined);
}

function greet(client: Client, version: number | undefined, name: string | undefined): void {
  const { reply } = client;
  if (version !== undefined) reply.resp3 = version === 3;
  if (name !== undefined) client.name = name;
  reply.map(7);
  reply.bulk('server');
  reply.bulk('redis');
  reply.bulk('version');
  reply.bulk(REDIS_VERSION);
  reply.bulk('proto');
  reply.integer(reply.resp3 ? 3 : 2);
  reply.bulk('id');
  reply.integer(client.id);
  reply.bulk('mode');
  reply.bulk('standalone');
  reply.bulk('role');
  reply.bulk('master');
  reply.bulk('modules');
  reply.array(0);
}

function ping(client: Client, args: readonly string[]): void {
  const { reply } = client;
  if (args.length > 2) reply.error(wrongArity('ping'));
  else if (client.subscriptions > 0 && !reply.resp3) {
    reply.array(2);
    reply.bulk('pong');
    reply.bulk(args[1] ?? '');
  } else if (args.length === 2) reply.bulk(args[1]!);
  else reply.simple('PONG');
}

function select(client: Client, args: readonly string[]): void {
  const index = int32Arg(client, args[1]!);
  if (index === undefined) return;
  if (index < 0 || index >= DATABASE_COUNT) {
    client.reply.error('ERR DB index is out of range');
    return;
  }
  client.db = client.node.database(index);
  client.reply.ok();
}

function quit(client: Client): void {
  client.reply.ok();
  client.closing = true;
}

function resetConnection(client: Client): void {
  reset(client);
  client.reply.simple('RESET');
}

export const connectionCommands: readonly CommandSpec[] = [
  {
    name: 'auth',
    arity: -2,
    flags: 'noscript loading stale fast no_auth no_multi allow_busy',
    group: 'connection',
    since: '1.0.0',
    summary: 'Authenticates the connection.',
    run: auth,
  },
  {
    name: 'hello',
    arity: -1,
    flags: 'noscript loading stale fast no_auth no_multi allow_busy',
    group: 'connection',
    since: '6.0.0',
    summary: 'Handshakes with the Redis server.',
    run: hello,
  },
  {
    name: 'client',
    arity: -2,
    flags: '',
    group: 'connection',
    since: '2.4.0',
    summary: 'A container for client connection commands.',
    subcommands: clientSubcommands,
  },
  {
    name: 'ping',
    arity: -1,
    flags: 'fast',
    group: 'connection',
    since: '1.0.0',
    summary: "Returns the server's liveliness response.",
    run: ping,
  },
  {
    name: 'echo',
    arity: 2,
    flags: 'loading stale fast',
    group: 'connection',
    since: '1.0.0',
    summary: 'Returns the given string.',
    run: (client, args) => client.reply.bulk(args[1]!),
  },
  {
    name: 'select',
    arity: 2,
    flags: 'loading stale fast',
    group: 'connection',
    since: '1.0.0',
    summary: 'Changes the selected database.',
    run: select,
  },
  {
    name: 'quit',
    arity: -1,
    flags: 'noscript loading stale fast no_auth allow_busy',
    group: 'connection',
    since: '1.0.0',
    summary: 'Closes the connection.',
    run: quit,
  },
  {
    name: 'reset',
    arity: 1,
    flags: 'noscript loading stale fast no_auth allow_busy',
    group: 'connection',
    since: '6.2.0',
    summary: 'Resets the connection.',
    run: resetConnection,
  },
];
