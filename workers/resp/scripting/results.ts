import type { Reply } from '../protocol/reply.ts';
import { TYPE } from './lua-exports.ts';
import type { Lua } from './lua.ts';
import type { Pace } from './pieces.ts';
import { COUNTED } from './values.ts';

/** Nesting beyond which Redis gives up. */
const DEPTH_MAX = 100;

/** A number as C turns it into a 64-bit integer. */
function integerOf(value: number): bigint | number {
  if (Number.isSafeInteger(value)) return value;
  if (!Number.isFinite(value) || value >= 2 ** 63 || value < -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
}

/** Writes the status that the table on top is, and takes it off; false when it is none. */
function writeStatus(lua: Lua, L: number, reply: Reply): boolean {
  const { api } = lua;
  const status = field(lua, L, 'ok') === TYPE.string ? lua.text(L, -1) : undefined;
  api.lua_settop(L, -2);
  if (status === undefined) return false;
  // An error comes before a status.
  const failed = field(lua, L, 'err') === TYPE.string;
  api.lua_settop(L, -2);
  if (failed) return false;
  reply.simple(status.replace(/[\r\n]/g, ' '));
  api.lua_settop(L, -2);
  return true;
}

/** Writes a plain value or a status, which is on top of the stack, and takes it off; false, and nothing, for other tables. */
export function writePlain(lua: Lua, L: number, reply: Reply, resp3: boolean): boolean {
  const { api } = lua;
  const type = api.lua_type(L, -1);
  if (type === TYPE.table) return writeStatus(lua, L, reply);
  if (type === TYPE.string) reply.bulk(lua.text(L, -1)!);
  else if (type === TYPE.number) reply.integer(integerOf(api.lua_tonumber(L, -1)));
  else if (type === TYPE.boolean) {
    const truth = api.lua_toboolean(L, -1) !== 0;
    if (resp3) reply.boolean(truth);
    else if (truth) reply.integer(1);
    else reply.null();
  } else reply.null();
  api.lua_settop(L, -2);
  return true;
}

/**
 * Writes what a script returned, which is on top of the stack, as a reply, and takes it off; yields now and then. `resp3` is
 * the script's own version.
 */
export function* writeResult(
  lua: Lua,
  L: number,
  reply: Reply,
  resp3: boolean,
  pace: Pace,
  depth = 0,
): Generator<void> {
  if (depth > DEPTH_MAX || lua.api.lua_checkstack(L, 4) === 0) reply.error('ERR reached lua stack limit');
  else if (writePlain(lua, L, reply, resp3)) return;
  else yield* writeTable(lua, L, reply, resp3, pace, depth);
  lua.api.lua_settop(L, -2);
}

/** Writes the line of the error on top of the stack; one that was counted is not counted again. */
export function writeError(lua: Lua, L: number, reply: Reply, line: string): void {
  reply.error(line);
  if (lua.api.lua_type(L, -1) !== TYPE.table) return;
  if (field(lua, L, COUNTED) === TYPE.boolean && lua.api.lua_toboolean(L, -1) !== 0) reply.counted++;
  lua.api.lua_settop(L, -2);
}

/** The type of a field of the table on top, whose value is pushed. */
function field(lua: Lua, L: number, name: string): number {
  lua.push(L, name);
  lua.api.lua_rawget(L, -2);
  return lua.api.lua_type(L, -1);
}

function* writeTable(lua: Lua, L: number, reply: Reply, resp3: boolean, pace: Pace, depth: number): Generator<void> {
  const { api } = lua;
  const drop = (): void => api.lua_settop(L, -2);
  if (field(lua, L, 'err') === TYPE.string) {
    const line = lua.text(L, -1)!;
    drop();
    writeError(lua, L, reply, line);
    return;
  }
  drop();
  if (field(lua, L, 'ok') === TYPE.string) {
    reply.simple(lua.text(L, -1)!.replace(/[\r\n]/g, ' '));
    return drop();
  }
  drop();
  if (field(lua, L, 'double') === TYPE.number) {
    reply.double(api.lua_tonumber(L, -1));
    return drop();
  }
  drop();
  if (field(lua, L, 'map') === TYPE.table) {
    yield* writePairs(lua, L, reply, resp3, pace, depth, true);
    return drop();
  }
  drop();
  if (field(lua, L, 'set') === TYPE.table) {
    yield* writePairs(lua, L, reply, resp3, pace, depth, false);
    return drop();
  }
  drop();
  if (field(lua, L, 'big_number') === TYPE.string) {
    const digits = lua.text(L, -1)!.replace(/[\r\n]/g, ' ');
    if (reply.resp3) reply.out += `(${digits}\r\n`;
    else reply.bulk(digits);
    return drop();
  }
  drop();
  if (field(lua, L, 'verbatim_string') === TYPE.table) {
    const format = field(lua, L, 'format') === TYPE.string ? lua.text(L, -1)! : undefined;
    drop();
    const content = field(lua, L, 'string') === TYPE.string ? lua.text(L, -1)! : undefined;
    drop();
    if (format !== undefined && content !== undefined) {
      if (reply.resp3) reply.out += `=${content.length + 4}\r\n${format.slice(0, 3).padEnd(3)}:${content}\r\n`;
      else reply.bulk(content);
      return drop();
    }
  }
  drop();
  let count = 0;
  for (; ; count++) {
    api.lua_rawgeti(L, -1, count + 1);
    const ended = api.lua_type(L, -1) === TYPE.nil;
    drop();
    if (ended) break;
    if (pace.due) yield;
  }
  reply.array(count);
  for (let i = 1; i <= count; i++) {
    api.lua_rawgeti(L, -1, i);
    if (!writePlain(lua, L, reply, resp3)) yield* writeResult(lua, L, reply, resp3, pace, depth + 1);
    if (pace.due) yield;
  }
}

/** Writes the table on top as a map, or its keys as a set. */
function* writePairs(
  lua: Lua,
  L: number,
  reply: Reply,
  resp3: boolean,
  pace: Pace,
  depth: number,
  map: boolean,
): Generator<void> {
  const { api } = lua;
  let size = 0;
  api.lua_pushnil(L);
  while (api.lua_next(L, -2) !== 0) {
    size++;
    api.lua_settop(L, -2);
    if (pace.due) yield;
  }
  if (map) reply.map(size);
  else reply.set(size);
  api.lua_pushnil(L);
  while (api.lua_next(L, -2) !== 0) {
    api.lua_pushvalue(L, -2);
    yield* writeResult(lua, L, reply, resp3, pace, depth + 1);
    if (map) yield* writeResult(lua, L, reply, resp3, pace, depth + 1);
    else api.lua_settop(L, -2);
    if (pace.due) yield;
  }
}
