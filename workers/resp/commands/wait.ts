import { block, goOn, unblock } from '../clients/blocking.ts';
import type { Client } from '../clients/server.ts';
import { NOT_POSITIVE } from '../protocol/errors.ts';
import { integerArg, integerFrom } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { millisecondsArg } from './timeouts.ts';

/*
 * WAIT and WAITAOF. There are no replicas that could acknowledge anything, so who waits for some waits until the time is over,
 * as with a Redis server that nobody follows.
 */

const NO_LOG = 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.';

function wait(client: Client, args: readonly string[]): void {
  const { reply } = client;
  const replicas = integerArg(client, args[1]!);
  if (replicas === undefined) return;
  const timeoutMs = millisecondsArg(client, args[2]!);
  if (timeoutMs === undefined) return;
  const answer = (): void => reply.integer(0);
  if (replicas <= 0 || !client.mayBlock) answer();
  else block(client, [], timeoutMs, { serve: () => false, timedOut: answer });
}

function waitAof(client: Client, args: readonly string[]): void {
  const { reply, node } = client;
  const local = integerArg(client, args[1]!);
  if (local === undefined) return;
  if (local < 0 || local > 1) {
    reply.error('ERR value is out of range, value must between 0 and 1');
    return;
  }
  const replicas = integerFrom(client, args[2]!, 0, NOT_POSITIVE);
  if (replicas === undefined) return;
  const timeoutMs = millisecondsArg(client, args[3]!);
  if (timeoutMs === undefined) return;
  const { journal } = node;
  if (local === 1 && journal === undefined) {
    reply.error(NO_LOG);
    return;
  }
  let durable = false;
  const answer = (): void => {
    reply.array(2);
    reply.integer(durable ? 1 : 0);
    reply.integer(0);
  };
  if (!client.mayBlock || (local === 0 && replicas === 0)) {
    durable = journal?.isDurable === true;
    answer();
    return;
  }
  block(client, [], timeoutMs, { serve: () => false, timedOut: answer });
  const { blocked } = client;
  journal?.whenDurable((done) => {
    durable = done;
    if (replicas > 0 || client.blocked !== blocked) return;
    unblock(client);
    answer();
    goOn(client);
  });
}

export const waitCommands: readonly CommandSpec[] = [
  {
    name: 'wait',
    arity: 3,
    flags: '',
    group: 'generic',
    since: '3.0.0',
    summary: 'Blocks until the asynchronous replication of all preceding write commands is completed.',
    acl: 'connection',
    run: wait,
  },
  {
    name: 'waitaof',
    arity: 4,
    flags: 'noscript',
    group: 'generic',
    since: '7.2.0',
    summary: 'Blocks until all of the preceding write commands are written to the append-only file.',
    acl: 'connection',
    run: waitAof,
  },
];
