import type { CommandSpec, KeySpec, Run } from './command.ts';

/** A row of the command table for a command on sorted sets. */
export function zsetRow(
  name: string,
  arity: number,
  flags: string,
  since: string,
  summary: string,
  run: Run,
  keys: KeySpec = [1, 1, 1],
): CommandSpec {
  return { name, arity, flags, keys, group: 'sorted-set', since, summary, run };
}
