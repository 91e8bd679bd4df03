import { parseInteger } from '../protocol/numbers.ts';
import { NOT_INTEGER, SYNTAX } from '../protocol/errors.ts';
import { readAs } from './arguments.ts';
import type { CommandSpec, Run } from './command.ts';
import { endArg, entriesInSteps, startArg, writeInSteps } from './stream-arguments.ts';
import type { StreamValue } from '../keyspace/stream-value.ts';
import { streamRow } from './rows.ts';
import { asNeeded } from './walk.ts';
import type { Walk } from './walk.ts';

/** The COUNT of XRANGE: undefined when there is none, or the error line. */
function countOf(args: readonly string[]): number | string | undefined {
  let count: number | undefined;
  for (let at = 4; at < args.length; at += 2) {
    if (args[at]!.toUpperCase() !== 'COUNT' || at + 1 >= args.length) return SYNTAX;
    const value = parseInteger(args[at + 1]!);
    if (value === undefined) return NOT_INTEGER;
    count = Math.max(0, value);
  }
  return count;
}

/** XRANGE and XREVRANGE. */
function range(reverse: boolean): Run {
  return (client, args) => {
    const { reply } = client;
    const start = startArg(client, args[reverse ? 3 : 2]!);
    if (start === undefined) return undefined;
    const end = endArg(client, args[reverse ? 2 : 3]!);
    if (end === undefined) return undefined;
    const count = countOf(args);
    if (typeof count === 'string') {
      reply.error(count);
      return undefined;
    }
    const stream = readAs(client, args[1]!, 'stream');
    if (stream === null) return undefined;
    if (stream === undefined) reply.array(0);
    else if (count === 0) reply.nullArray();
    else return asNeeded(Math.min(stream.size, count ?? Infinity), entries(stream));
    return undefined;
    function* entries(from: StreamValue): Walk {
      yield* writeInSteps(
        reply,
        yield* entriesInSteps(from, start!, end!, (count as number | undefined) ?? 0, reverse),
      );
    }
  };
}

export const streamRangeCommands: readonly CommandSpec[] = [
  streamRow('xrange', -4, 'readonly', '5.0.0', 'Returns the messages within a range of IDs.', range(false)),
  streamRow('xrevrange', -4, 'readonly', '5.0.0', 'Returns the messages of a range in reverse.', range(true)),
];
