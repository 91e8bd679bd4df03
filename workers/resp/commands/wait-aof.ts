import type { Client } from '../clients/server.ts';
import { NOT_INTEGER, NOT_POSITIVE } from '../protocol/errors.ts';
import { integerFrom, integerArg } from './arguments.ts';
import type { CommandSpec } from './command.ts';

const NO_LOG = 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.';

/** Waits until what the node was told to write is on the disk here; there are no replicas to wait for. */
function waitAof(client: Client, args: readonly string[]): void {
  const { reply, node } = client;
  const local = integerArg(client, args[1]!, NOT_INTEGER);
  if (local === undefined) return;
  if (local < 0 || local > 1) {
    reply.error('ERR value is out of range, must be between 0 and 1');
    return;
  }
  if (integerFrom(client, args[2]!, 0, NOT_POSITIVE) === undefined) return;
  if (integerArg(client, args[3]!, 'ERR timeout is not an integer or out of range') === undefined) return;
  const timeoutMs = integerFrom(client, args[3]!, 0, 'ERR timeout is negative');
  if (timeoutMs === undefined) return;
  const { journal } = node;
  if (local === 1 && journal === undefined) {
    reply.error(NO_LOG);
    return;
  }
  const answer = (durable: boolean): void => {
    reply.array(2);
    reply.integer(durable ? 1 : 0);
    reply.integer(0);
  };
  if (journal === undefined || local === 0) answer(false);
  else if (!client.mayBlock) answer(!journal.holdsReplies);
  else client.pending = durableWithin(journal, timeoutMs).then(answer);
}

function durableWithin(
  journal: { whenDurable(callback: (durable: boolean) => void): void },
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const timer =
      timeoutMs === 0 ? undefined : setTimeout(() => resolve(false), Math.min(timeoutMs, 0x7fff_ffff)).unref();
    journal.whenDurable((durable) => {
      clearTimeout(timer);
      resolve(durable);
    });
  });
}

export const waitAofCommands: readonly CommandSpec[] = [
  {
    name: 'waitaof',
    arity: 4,
    flags: 'blocking',
    group: 'generic',
    since: '7.2.0',
    summary: 'Blocks until all of the preceding write commands are written to the append-only file.',
    acl: 'connection',
    run: waitAof,
  },
];
