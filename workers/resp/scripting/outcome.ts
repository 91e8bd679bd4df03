import type { Reply } from '../protocol/reply.ts';
import type { Job } from './job.ts';
import { TYPE } from './lua-exports.ts';
import type { Lua } from './lua.ts';
import { Pace } from './pieces.ts';
import { writeError, writePlain, writeResult } from './results.ts';

/**
 * Writes what a job left on the stack as its client's reply. `resp3` is the version the script has chosen for itself. What is
 * returned is gone through for what takes long.
 */
export function writeOutcome(job: Job, reply: Reply, status: number, resp3: boolean): Generator<void> | undefined {
  const { lua } = job.state;
  if (status !== 0) writeError(lua, lua.L, reply, errorOf(job));
  else if (!writePlain(lua, lua.L, reply, resp3)) return writeResult(lua, lua.L, reply, resp3, new Pace());
  return undefined;
}

/** A field of the error table on top of the stack, if it is a string or number. */
function field(lua: Lua, name: string): string | undefined {
  const { api, L } = lua;
  lua.push(L, name);
  api.lua_rawget(L, -2);
  const text = lua.text(L, -1);
  api.lua_settop(L, -2);
  return text;
}

function errorOf({ state: { lua }, name }: Job): string {
  const { api, L } = lua;
  if (api.lua_type(L, -1) !== TYPE.table) {
    const message = lua.text(L, -1) ?? 'execution failure';
    return `ERR Error running script ${name}, ${message.slice(0, 100)}`;
  }
  const message = field(lua, 'err') ?? '';
  const source = field(lua, 'source');
  const line = field(lua, 'line');
  return source === undefined || line === undefined ? message : `${message} script: ${name}, on ${source}:${line}.`;
}

/** What is wrong with a library whose code has failed: the error on top of the stack. */
export function loadErrorOf({ state: { lua } }: Job): string {
  const { api, L } = lua;
  const type = api.lua_type(L, -1);
  const message = type === TYPE.table ? field(lua, 'err') : lua.text(L, -1);
  return `ERR Error registering functions: ${type === TYPE.table ? (message ?? '(null)') : `ERR ${message ?? ''}`}`;
}
