import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { integerArg } from './arguments.ts';

/**
 * An expiry given as EX, PX, EXAT or PXAT in absolute milliseconds. When it makes no sense the error is replied, with
 * the command's name as Redis gives it, and undefined returned.
 */
export function expiryFrom(client: Client, unit: string, text: string, command: string): number | undefined {
  const value = integerArg(client, text);
  if (value === undefined) return undefined;
  const milliseconds = unit.startsWith('P') ? value : value * 1000;
  const at = unit.endsWith('AT') ? milliseconds : milliseconds + clock.now;
  if (value > 0 && milliseconds <= 2 ** 63 - 1 && at < 2 ** 63) return at;
  client.reply.error(`ERR invalid expire time in '${command}' command`);
  return undefined;
}
