import type { Piece } from '../protocol/chunk.ts';
import type { Lua } from './lua.ts';
import { Pace, parts } from './pieces.ts';
import { ReplyText } from './reply-text.ts';

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
  pushNext(lua, L, new ReplyText([text]));
}

/** As `pushReply`, for what takes long; the reply is in pieces, which end anywhere. */
export function* pushLongReply(lua: Lua, L: number, pieces: readonly Piece[]): Generator<void, number> {
  yield* pushInSteps(lua, L, new ReplyText(pieces), new Pace());
  return 1;
}

/** Aggregates of more elements are pushed in steps. */
const ELEMENTS_AT_ONCE = 256;
/** And so are texts longer than this. */
const LONG_TEXT = 262_144;

function* pushInSteps(lua: Lua, L: number, text: ReplyText, pace: Pace): Generator<void> {
  const { api } = lua;
  const head = text.peekLine();
  const size = Number(head.slice(1));
  switch (head[0]) {
    case '$':
      if (size < LONG_TEXT) pushNext(lua, L, text);
      else {
        text.line();
        const bulk = text.bulk(size);
        yield* lua.pushPieces(L, [...parts(bulk)], size);
      }
      return;
    case '*':
      if (size < 0) {
        pushNext(lua, L, text);
        return;
      }
      text.line();
      api.lua_checkstack(L, 8);
      api.lua_createtable(L, size, 0);
      for (let i = 1; i <= size; i++) {
        yield* pushElement(lua, L, text, pace);
        api.lua_rawseti(L, -2, i);
      }
      return;
    case '%':
    case '~':
      text.line();
      api.lua_checkstack(L, 8);
      api.lua_createtable(L, 0, 1);
      lua.push(L, head[0] === '%' ? 'map' : 'set');
      api.lua_createtable(L, 0, size);
      for (let i = 0; i < size; i++) {
        yield* pushElement(lua, L, text, pace);
        if (head[0] === '%') yield* pushElement(lua, L, text, pace);
        else api.lua_pushboolean(L, 1);
        api.lua_rawset(L, -3);
      }
      api.lua_rawset(L, -3);
      return;
    default:
      pushNext(lua, L, text);
  }
}

function* pushElement(lua: Lua, L: number, text: ReplyText, pace: Pace): Generator<void> {
  const head = text.peekLine();
  if (/^[*%~]/.test(head) ? Number(head.slice(1)) > ELEMENTS_AT_ONCE : head.length > 6) {
    yield* pushInSteps(lua, L, text, pace);
  } else pushNext(lua, L, text);
  if (pace.due) yield;
}

function pushNext(lua: Lua, L: number, text: ReplyText): void {
  const { api } = lua;
  const line = text.line();
  const head = line.slice(1);
  api.lua_checkstack(L, 8);
  switch (line[0]) {
    case ':':
      api.lua_pushnumber(L, Number(head));
      return;
    case '$':
      if (head === '-1') api.lua_pushboolean(L, 0);
      else lua.push(L, text.bulk(Number(head)));
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
      const whole = text.bulk(Number(head));
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
    case '~':
      pushKeyed(lua, L, text, line[0] === '%', Number(head));
      return;
    default: {
      const count = Number(head);
      if (count < 0) {
        api.lua_pushboolean(L, 0);
        return;
      }
      api.lua_createtable(L, count, 0);
      for (let i = 1; i <= count; i++) {
        pushNext(lua, L, text);
        api.lua_rawseti(L, -2, i);
      }
    }
  }
}

/** A map, or a set as a map of what is in it. */
function pushKeyed(lua: Lua, L: number, text: ReplyText, map: boolean, count: number): void {
  const { api } = lua;
  pushField(lua, L, map ? 'map' : 'set', () => {
    api.lua_createtable(L, 0, count);
    for (let i = 0; i < count; i++) {
      pushNext(lua, L, text);
      if (map) pushNext(lua, L, text);
      else api.lua_pushboolean(L, 1);
      api.lua_rawset(L, -3);
    }
  });
}

function doubleOf(text: string): number {
  return text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text);
}
