import type { Client } from '../clients/server.ts';
import { clock } from '../keyspace/clock.ts';
import { TIMEOUT_NEGATIVE } from '../protocol/errors.ts';
import { parseLongDouble } from '../protocol/long-double.ts';
import { parseDouble, parseInteger } from '../protocol/numbers.ts';

const OUT_OF_RANGE = 'ERR timeout is out of range';
/** The end of time in milliseconds: Redis counts them in 64 bits. */
const TIME_MAX = 2 ** 63;

/** Reads a timeout in seconds as milliseconds; when it is none, replies with the error and returns undefined. */
export function secondsArg(client: Client, text: string): number | undefined {
  const seconds = secondsIn(text);
  const ms = seconds === undefined ? undefined : Math.ceil(seconds * 1000);
  return inRange(client, ms, 'ERR timeout is not a float or out of range');
}

/** The same for a timeout in milliseconds. */
export function millisecondsArg(client: Client, text: string): number | undefined {
  return inRange(client, parseInteger(text), 'ERR timeout is not an integer or out of range');
}

/** Redis reads seconds as a long double: what is too much for a double only is infinite. */
function secondsIn(text: string): number | undefined {
  const seconds = parseDouble(text);
  if (seconds !== undefined) return seconds;
  return parseLongDouble(text) === undefined ? undefined : Number(text);
}

function inRange(client: Client, ms: number | undefined, notNumber: string): number | undefined {
  if (ms !== undefined && ms >= 0 && ms + clock.now < TIME_MAX) return ms;
  if (ms === undefined) client.reply.error(notNumber);
  else client.reply.error(ms < 0 ? TIMEOUT_NEGATIVE : OUT_OF_RANGE);
  return undefined;
}
