import type { CommandSpec, KeySpec, Run } from './command.ts';

/** A row of the command table for a command on streams. */
export function streamRow(
  name: string,
  arity: number,
  flags: string,
  since: string,
  summary: string,
  run: Run,
  keys: KeySpec = [1, 1, 1],
): CommandSpec {
  return { name, arity, flags, keys, group: 'stream', since, summary, run };
}
