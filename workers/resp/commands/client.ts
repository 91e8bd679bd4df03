import { goOn, unblock } from '../clients/blocking.ts';
import { describeClient } from '../clients/describe.ts';
import type { Client } from '../clients/server.ts';
import { clientById, clientsSeenBy } from '../clients/visible.ts';
import { findUser } from '../acl/users.ts';
import { pause, unpause } from '../clients/session.ts';
import { clock } from '../keyspace/clock.ts';
import { SYNTAX, wrongSubcommand } from '../protocol/errors.ts';
import { parseInteger } from '../protocol/numbers.ts';
import { integerFrom } from './arguments.ts';
import { caching, redirection, tracking, trackingInfo } from './client-tracking.ts';
import { millisecondsArg } from './timeouts.ts';
import type { CommandSpec, Run } from './command.ts';
import { keylessRowsOf } from './rows.ts';

/** What is wrong with a client's or library's name, as an error line: blanks and line ends would garble CLIENT LIST. */
export function invalidName(name: string, what: string): string | undefined {
  return /^[!-~]*$/.test(name) ? undefined : `ERR ${what} cannot contain spaces, newlines or special characters.`;
}

function typeOfClient(client: Client): string {
  return client.subscriptions > 0 ? 'pubsub' : 'normal';
}

const CLIENT_TYPES = new Set(['normal', 'master', 'replica', 'slave', 'pubsub']);

function list(client: Client, args: readonly string[]): void {
  const { reply } = client;
  let shown = clientsSeenBy(client);
  const option = args[2]?.toUpperCase();
  if (option === 'TYPE' && args.length === 4) {
    const type = args[3]!.toLowerCase();
    if (!CLIENT_TYPES.has(type)) {
      reply.error(`ERR Unknown client type '${args[3]!}'`);
      return;
    }
    shown = shown.filter((other) => typeOfClient(other) === type);
  } else if (option === 'ID' && args.length > 3) {
    const ids = args.slice(3).map(parseInteger);
    if (ids.includes(undefined)) {
      reply.error('ERR Invalid client ID');
      return;
    }
    shown = ids.flatMap((id) => clientById(client, id!) ?? []);
  } else if (option !== undefined) {
    reply.error(SYNTAX);
    return;
  }
  reply.verbatim(shown.map((other) => `${describeClient(other, other === client ? args : [])}\n`).join(''));
}

/** Closes a connection; the caller's own only after its reply. */
function kill(caller: Client, victim: Client): void {
  if (caller === victim) caller.closing = true;
  else victim.transport?.destroy();
}

function killBy(client: Client, args: readonly string[]): void {
  const { reply, server } = client;
  if (args.length === 3) {
    const victim = clientsSeenBy(client).find((other) => other.address === args[2]);
    if (victim === undefined) reply.error('ERR No such client');
    else {
      reply.ok();
      kill(client, victim);
    }
    return;
  }
  const tests: ((other: Client) => boolean)[] = [];
  let skipMe = true;
  if (args.length % 2 !== 0) {
    reply.error(SYNTAX);
    return;
  }
  for (let i = 2; i < args.length; i += 2) {
    const value = args[i + 1]!;
    switch (args[i]!.toUpperCase()) {
      case 'ID': {
        const id = parseInteger(value);
        if (id === undefined || id < 1) {
          reply.error('ERR client-id should be greater than 0');
          return;
        }
        tests.push((other) => other.id === id);
        break;
      }
      case 'TYPE': {
        const type = value.toLowerCase();
        if (!CLIENT_TYPES.has(type)) {
          reply.error(`ERR Unknown client type '${value}'`);
          return;
        }
        tests.push((other) => typeOfClient(other) === type);
        break;
      }
      case 'ADDR':
        tests.push((other) => other.address === value);
        break;
      case 'LADDR':
        tests.push((other) => other.localAddress === value);
        break;
      case 'USER':
        if (findUser(server, value) === undefined) {
          reply.error(`ERR No such user '${value}'`);
          return;
        }
        tests.push((other) => other.user === value);
        break;
      case 'SKIPME':
        if (!/^(?:yes|no)$/i.test(value)) {
          reply.error(SYNTAX);
          return;
        }
        skipMe = value.toLowerCase() === 'yes';
        break;
      default:
        reply.error(SYNTAX);
        return;
    }
  }
  const victims = clientsSeenBy(client).filter(
    (other) => !(skipMe && other === client) && tests.every((test) => test(other)),
  );
  reply.integer(victims.length);
  for (const victim of victims) kill(client, victim);
}

function replyMode(client: Client, args: readonly string[]): void {
  switch (args[2]!.toUpperCase()) {
    case 'ON':
      client.replyMode = 'on';
      client.reply.ok();
      break;
    case 'OFF':
      client.replyMode = 'off';
      break;
    case 'SKIP':
      if (client.replyMode !== 'off') client.replyMode = 'skip-next';
      break;
    default:
      client.reply.error(SYNTAX);
  }
}

function pauseClients(client: Client, args: readonly string[]): void {
  const { reply, server } = client;
  const mode = args[3]?.toUpperCase() ?? 'ALL';
  if (args.length > 4) {
    reply.error(wrongSubcommand('CLIENT', args[1]!));
    return;
  }
  if (mode !== 'ALL' && mode !== 'WRITE') {
    reply.error('ERR CLIENT PAUSE mode must be WRITE or ALL');
    return;
  }
  const milliseconds = millisecondsArg(client, args[2]!);
  if (milliseconds === undefined) return;
  pause(server, clock.now + milliseconds, mode === 'WRITE');
  reply.ok();
}

function unblockClient(client: Client, args: readonly string[]): void {
  const { reply } = client;
  const mode = args[3]?.toUpperCase() ?? 'TIMEOUT';
  if (args.length > 4) {
    reply.error(wrongSubcommand('CLIENT', args[1]!));
    return;
  }
  if (mode !== 'TIMEOUT' && mode !== 'ERROR') {
    reply.error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
    return;
  }
  const id = integerFrom(client, args[2]!, -Infinity, 'ERR value is not an integer or out of range');
  if (id === undefined) return;
  const other = clientById(client, id);
  if (other?.blocked === undefined) {
    reply.integer(0);
    return;
  }
  const { blocked } = other;
  unblock(other);
  if (mode === 'ERROR') other.reply.error('UNBLOCKED client unblocked via CLIENT UNBLOCK');
  else blocked.timedOut();
  goOn(other);
  reply.integer(1);
}

function setInfo(client: Client, args: readonly string[]): void {
  const attribute = args[2]!.toLowerCase();
  if (attribute !== 'lib-name' && attribute !== 'lib-ver') {
    client.reply.error(`ERR Unrecognized option '${args[2]!}'`);
    return;
  }
  const problem = invalidName(args[3]!, attribute);
  if (problem !== undefined) {
    client.reply.error(problem);
    return;
  }
  if (attribute === 'lib-name') client.libName = args[3]!;
  else client.libVersion = args[3]!;
  client.reply.ok();
}

function setName(client: Client, args: readonly string[]): void {
  const problem = invalidName(args[2]!, 'Client names');
  if (problem !== undefined) {
    client.reply.error(problem);
    return;
  }
  client.name = args[2]!;
  client.reply.ok();
}

/** A setting of the connection that is on or off. */
function onOff(set: (client: Client, on: boolean) => void): Run {
  return (client, args) => {
    const mode = args[2]!.toUpperCase();
    if (mode !== 'ON' && mode !== 'OFF') {
      client.reply.error(SYNTAX);
      return;
    }
    set(client, mode === 'ON');
    client.reply.ok();
  };
}

const row = keylessRowsOf('connection');

const FREE = 'noscript loading stale';

/** CLIENT's subcommands. */
export const clientSubcommands: readonly CommandSpec[] = [
  row('id', 2, FREE, '5.0.0', 'Returns the unique client ID of the connection.', ({ reply, id }) => reply.integer(id)),
  row('info', 2, FREE, '6.2.0', 'Returns information about the connection.', (client, args) =>
    client.reply.verbatim(`${describeClient(client, args)}\n`),
  ),
  row('list', -2, `admin ${FREE}`, '2.4.0', 'Lists open connections.', list),
  row('kill', -3, `admin ${FREE}`, '2.4.0', 'Terminates open connections.', killBy),
  row('setname', 3, FREE, '2.6.9', 'Sets the connection name.', setName),
  row('getname', 2, FREE, '2.6.9', 'Returns the name of the connection.', ({ reply, name }) =>
    reply.bulkOrNull(name === '' ? undefined : name),
  ),
  row('setinfo', 4, FREE, '7.2.0', 'Sets information specific to the client or connection.', setInfo),
  row(
    'no-evict',
    3,
    `admin ${FREE}`,
    '7.0.0',
    'Sets the client eviction mode of the connection.',
    onOff((client, on) => {
      client.noEvict = on;
    }),
  ),
  row(
    'no-touch',
    3,
    FREE,
    '7.2.0',
    'Controls whether commands sent by the client affect the LRU/LFU of accessed keys.',
    onOff((client, on) => {
      client.noTouch = on;
    }),
  ),
  row('reply', 3, FREE, '3.2.0', 'Instructs the server whether to reply to commands.', replyMode),
  row('pause', -3, `admin ${FREE}`, '3.0.0', 'Suspends commands processing.', pauseClients),
  row('unpause', 2, `admin ${FREE}`, '6.2.0', 'Resumes processing commands from paused clients.', (client) => {
    unpause(client.server);
    client.reply.ok();
  }),
  row('unblock', -3, `admin ${FREE}`, '5.0.0', 'Unblocks a client blocked by a blocking command.', unblockClient),
  row('getredir', 2, FREE, '6.0.0', 'Returns the client ID to which tracking notifications are redirected.', (client) =>
    client.reply.integer(redirection(client.tracking)),
  ),
  row('tracking', -3, FREE, '6.0.0', 'Controls server-assisted client-side caching for the connection.', tracking),
  row('caching', 3, FREE, '6.0.0', 'Instructs the server whether to track the keys in the next request.', caching),
  row(
    'trackinginfo',
    2,
    FREE,
    '6.2.0',
    'Returns information about server-assisted client-side caching for the connection.',
    trackingInfo,
  ),
];
