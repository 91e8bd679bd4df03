import type { CommandSpec, KeySpec, Run } from './command.ts';

/** The one key right after the command's name. */
export const ONE: KeySpec = [1, 1, 1];

/** A row of the command table for a command on strings. */
export function stringRow(
  name: string,
  arity: number,
  flags: string,
  keys: KeySpec,
  since: string,
  summary: string,
  run: Run,
): CommandSpec {
  return { name, arity, flags, keys, group: 'string', since, summary, run };
}
