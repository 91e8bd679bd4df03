import type { Reply } from '../protocol/reply.ts';
import { TYPE } from './lua-exports.ts';
import type { Lua } from './lua.ts';

/** Nesting beyond which Redis gives up. */
const DEPTH_MAX = 100;

/** A field of errors that are in the statistics already. */
const COUNTED = 'ignore_error_stats_update';

/** Pushes a table with one field whose value `pushValue` pushes. */
export function pushField(lua: Lua, L: number, name: string, pushValue: () => void): void {
  lua.api.lua_createtable(L, 0, 1);
  lua.push(L, name);
  pushValue();
  lua.api.lua_rawset(L, -3);
}

/** Pushes a reply, as it would go to a client, as the value a script sees. */
export function pushReply(lua: Lua, L: number, text: string): void {
  pushAt(lua, L, text, { at: 0 });
}

/** Replies longer than this are pushed in slices. */
export const LONG_REPLY = 65_536;
/** So many elements are pushed before others may have their turn. */
const ELEMENTS_AT_ONCE = 1000;

/** As `pushReply`, for what takes long. */
export function* pushLongReply(lua: Lua, L: number, text: string): Generator<void, number> {
  const end = text.indexOf('\r\n');
  const count = text[0] === '*' ? Number(text.slice(1, end)) : 0;
  if (count <= ELEMENTS_AT_ONCE) {
    pushReply(lua, L, text);
    return 1;
  }
  const cursor = { at: end + 2 };
  lua.api.lua_checkstack(L, 8);
  lua.api.lua_createtable(L, count, 0);
  for (let i = 1; i <= count; i++) {
    pushAt(lua, L, text, cursor);
    lua.api.lua_rawseti(L, -2, i);
    if (i % ELEMENTS_AT_ONCE === 0) yield;
  }
  return 1;
}

function pushAt(lua: Lua, L: number, text: string, cursor: { at: number }): void {
  const { api } = lua;
  const end = text.indexOf('\r\n', cursor.at);
  const type = text[cursor.at]!;
  const head = text.slice(cursor.at + 1, end);
  cursor.at = end + 2;
  api.lua_checkstack(L, 8);
  const bulk = (): string => {
    const start = cursor.at;
    cursor.at += Number(head) + 2;
    return text.slice(start, cursor.at - 2);
  };
  switch (type) {
    case ':':
      api.lua_pushnumber(L, Number(head));
      return;
    case '$':
      if (head === '-1') api.lua_pushboolean(L, 0);
      else lua.push(L, bulk());
      return;
    case '+':
      pushField(lua, L, 'ok', () => lua.push(L, head));
      return;
    case '-':
      api.lua_createtable(L, 0, 2);
      lua.push(L, 'err');
      lua.push(L, head);
      api.lua_rawset(L, -3);
      // It was counted when the command failed.
      lua.push(L, COUNTED);
      api.lua_pushboolean(L, 1);
      api.lua_rawset(L, -3);
      return;
    case '_':
      api.lua_pushnil(L);
      return;
    case '#':
      api.lua_pushboolean(L, head === 't' ? 1 : 0);
      return;
    case ',':
      pushField(lua, L, 'double', () => api.lua_pushnumber(L, doubleOf(head)));
      return;
    case '(':
      pushField(lua, L, 'big_number', () => lua.push(L, head));
      return;
    case '=': {
      const whole = bulk();
      pushField(lua, L, 'verbatim_string', () => {
        api.lua_createtable(L, 0, 2);
        lua.push(L, 'format');
        lua.push(L, whole.slice(0, 3));
        api.lua_rawset(L, -3);
        lua.push(L, 'string');
        lua.push(L, whole.slice(4));
        api.lua_rawset(L, -3);
      });
      return;
    }
    case '%':
    case '~': {
      const count = Number(head);
      pushField(lua, L, type === '%' ? 'map' : 'set', () => {
        api.lua_createtable(L, 0, count);
        for (let i = 0; i < count; i++) {
          pushAt(lua, L, text, cursor);
          if (type === '%') pushAt(lua, L, text, cursor);
          else api.lua_pushboolean(L, 1);
          api.lua_rawset(L, -3);
        }
      });
      return;
    }
    default: {
      const count = Number(head);
      if (count < 0) {
        api.lua_pushboolean(L, 0);
        return;
      }
      api.lua_createtable(L, count, 0);
      for (let i = 1; i <= count; i++) {
        pushAt(lua, L, text, cursor);
        api.lua_rawseti(L, -2, i);
      }
    }
  }
}

function doubleOf(text: string): number {
  return text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text);
}

/** A number as C turns it into a 64-bit integer. */
function integerOf(value: number): bigint | number {
  if (Number.isSafeInteger(value)) return value;
  if (!Number.isFinite(value) || value >= 2 ** 63 || value < -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
}

/** Writes what a script returned, which is on top of the stack, as a reply, and takes it off. `resp3` is the script's own version. */
export function writeResult(lua: Lua, L: number, reply: Reply, resp3: boolean, depth = 0): void {
  const { api } = lua;
  const type = api.lua_type(L, -1);
  if (depth > DEPTH_MAX || api.lua_checkstack(L, 4) === 0) reply.error('ERR reached lua stack limit');
  else if (type === TYPE.string) reply.bulk(lua.text(L, -1)!);
  else if (type === TYPE.number) reply.integer(integerOf(api.lua_tonumber(L, -1)));
  else if (type === TYPE.boolean) {
    const truth = api.lua_toboolean(L, -1) !== 0;
    if (resp3) reply.boolean(truth);
    else if (truth) reply.integer(1);
    else reply.null();
  } else if (type === TYPE.table) writeTable(lua, L, reply, resp3, depth);
  else reply.null();
  api.lua_settop(L, -2);
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

function writeTable(lua: Lua, L: number, reply: Reply, resp3: boolean, depth: number): void {
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
    writePairs(lua, L, reply, resp3, depth, true);
    return drop();
  }
  drop();
  if (field(lua, L, 'set') === TYPE.table) {
    writePairs(lua, L, reply, resp3, depth, false);
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
  }
  reply.array(count);
  for (let i = 1; i <= count; i++) {
    api.lua_rawgeti(L, -1, i);
    writeResult(lua, L, reply, resp3, depth + 1);
  }
}

/** Writes the table on top as a map, or its keys as a set. */
function writePairs(lua: Lua, L: number, reply: Reply, resp3: boolean, depth: number, map: boolean): void {
  const { api } = lua;
  let size = 0;
  api.lua_pushnil(L);
  while (api.lua_next(L, -2) !== 0) {
    size++;
    api.lua_settop(L, -2);
  }
  if (map) reply.map(size);
  else reply.set(size);
  api.lua_pushnil(L);
  while (api.lua_next(L, -2) !== 0) {
    api.lua_pushvalue(L, -2);
    writeResult(lua, L, reply, resp3, depth + 1);
    if (map) writeResult(lua, L, reply, resp3, depth + 1);
    else api.lua_settop(L, -2);
  }
}
