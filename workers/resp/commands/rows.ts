import type { CommandSpec, KeySpec, Run } from './command.ts';

/** Makes rows of the command table for the commands of one group. Unless said otherwise, the one key is right after the name. */
export function rowsOf(group: CommandSpec['group']) {
  return (
    name: string,
    arity: number,
    flags: string,
    since: string,
    summary: string,
    run: Run,
    keys: KeySpec = [1, 1, 1],
  ): CommandSpec => ({ name, arity, flags, keys, group, since, summary, run });
}

/** The same for commands without keys; `acl` names the categories that do not follow from the flags. */
export function keylessRowsOf(group: CommandSpec['group'], aclOfAll?: string) {
  return (
    name: string,
    arity: number,
    flags: string,
    since: string,
    summary: string,
    run?: Run,
    acl = aclOfAll,
  ): CommandSpec => ({
    name,
    arity,
    flags,
    group,
    since,
    summary,
    ...(run === undefined ? {} : { run }),
    ...(acl === undefined ? {} : { acl }),
  });
}

export const bitmapRow = rowsOf('bitmap');
export const listRow = rowsOf('list');
export const streamRow = rowsOf('stream');
export const zsetRow = rowsOf('sorted-set');
