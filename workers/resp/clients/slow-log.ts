import { clock } from '../keyspace/clock.ts';
import { largeAt } from '../protocol/large-arguments.ts';
import { redacted } from './monitor.ts';
import type { Client } from './server.ts';

const ARGUMENTS_MAX = 32;
const ARGUMENT_LENGTH_MAX = 128;

/** Notes a slow command as Redis does: at most 32 arguments of at most 128 bytes. */
export function noteSlow(client: Client, args: readonly string[], microseconds: number): void {
  const { server } = client;
  if (server.slowLogMax === 0) return;
  const open = redacted(args);
  const shown = open.length > ARGUMENTS_MAX ? open.slice(0, ARGUMENTS_MAX - 1) : open;
  const short = shown.map((text, place) => {
    const arg = text === '' ? (largeAt(args, place) ?? text) : text;
    if (arg.length <= ARGUMENT_LENGTH_MAX) return text;
    const start = typeof arg === 'string' ? arg.slice(0, ARGUMENT_LENGTH_MAX) : arg.toString(0, ARGUMENT_LENGTH_MAX);
    return `${start}... (${arg.length - ARGUMENT_LENGTH_MAX} more bytes)`;
  });
  if (shown !== open) short.push(`... (${args.length - ARGUMENTS_MAX + 1} more arguments)`);
  server.slowLog.unshift({
    id: server.nextSlowId++,
    atSeconds: Math.floor(clock.now / 1000),
    microseconds: Math.round(microseconds),
    args: short,
    address: client.address,
    name: client.name,
  });
  if (server.slowLog.length > server.slowLogMax) server.slowLog.length = server.slowLogMax;
}
