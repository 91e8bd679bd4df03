import type { Lua } from './lua.ts';

/** A field of errors that are in the statistics already. */
export const COUNTED = 'ignore_error_stats_update';

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
