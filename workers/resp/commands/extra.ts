import type { Client } from '../clients/server.ts';
import type { ReplyValue } from '../engine-api.ts';
import { wrongArity } from '../protocol/errors.ts';
import { writeReply } from '../protocol/reply-value.ts';

/** Runs a command that the host added, if there is one of the name; only for privileged connections. */
export function runExtra(client: Client, args: readonly string[]): boolean {
  const command = client.server.host.extraCommands.get(args[0]!.toLowerCase());
  if (command === undefined) return false;
  const { arity } = command;
  if (arity > 0 ? args.length !== arity : args.length < -arity) {
    client.reply.error(wrongArity(command.name));
    return true;
  }
  const finish = (value: ReplyValue): void => writeReply(client.reply, value);
  const fail = (error: unknown): void => {
    client.reply.error(`ERR ${error instanceof Error ? error.message : String(error)}`);
  };
  try {
    const ended = new AbortController();
    const value = command.handler(client.node, args, ended.signal);
    if (value instanceof Promise) {
      client.whenGone = () => ended.abort(new Error('The connection has ended.'));
      client.pending = value.then(finish, fail).finally(() => (client.whenGone = undefined));
    } else finish(value);
  } catch (error) {
    fail(error);
  }
  return true;
}
