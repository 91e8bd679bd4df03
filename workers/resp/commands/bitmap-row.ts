import type { CommandSpec, KeySpec, Run } from './command.ts';

/** A row of the command table for a command on bitmaps. */
export function bitmapRow(
  name: string,
  arity: number,
  flags: string,
  since: string,
  summary: string,
  run: Run,
  keys: KeySpec = [1, 1, 1],
): CommandSpec {
  return { name, arity, flags, keys, group: 'bitmap', since, summary, run };
}
