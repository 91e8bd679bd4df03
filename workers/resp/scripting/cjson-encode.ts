import { TYPE } from './lua-exports.ts';
import type { Lua } from './lua.ts';
import { printG } from './numbers.ts';
import { parts } from './pieces.ts';
import type { Pace, Pieces } from './pieces.ts';

/** Strings longer than this are encoded in parts. */
const LONG = 32_768;

/** Settings of the cjson library, as scripts can change them; every script starts with the defaults. */
export interface JsonSettings {
  sparseConvert: boolean;
  sparseRatio: number;
  sparseSafe: number;
  encodeMaxDepth: number;
  decodeMaxDepth: number;
  precision: number;
  encodeInvalidNumbers: boolean | 'null';
  decodeInvalidNumbers: boolean;
}

/** What lua-cjson starts with. */
export function defaultJsonSettings(): JsonSettings {
  return {
    sparseConvert: false,
    sparseRatio: 2,
    sparseSafe: 10,
    encodeMaxDepth: 1000,
    decodeMaxDepth: 1000,
    precision: 14,
    encodeInvalidNumbers: false,
    decodeInvalidNumbers: true,
  };
}

/** Why something can't be encoded or decoded; the library raises it as a Lua error. */
export class JsonError extends Error {}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function escaped(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what JSON must escape.
  return text.replace(/["\\/\u0000-\u001f\u007f]/g, escape);
}

function escape(char: string): string {
  return SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function number(value: number, settings: JsonSettings): string {
  if (!Number.isFinite(value) && settings.encodeInvalidNumbers !== true) {
    if (settings.encodeInvalidNumbers === 'null') return 'null';
    throw new JsonError('Cannot serialise number: must not be NaN or Inf');
  }
  return printG(value, settings.precision);
}

/** The length of the table on top as an array; undefined when it must become an object. */
function* arrayLength(lua: Lua, L: number, settings: JsonSettings, pace: Pace): Generator<void, number | undefined> {
  const { api } = lua;
  let max = 0;
  let items = 0;
  api.lua_pushnil(L);
  while (api.lua_next(L, -2) !== 0) {
    const key = api.lua_type(L, -2) === TYPE.number ? api.lua_tonumber(L, -2) : 0;
    if (!(key >= 1) || Math.floor(key) !== key) {
      api.lua_settop(L, -3);
      return undefined;
    }
    max = Math.max(max, key);
    items++;
    api.lua_settop(L, -2);
    if (pace.due) yield;
  }
  if (items === 0) return undefined;
  if (settings.sparseRatio > 0 && max > items * settings.sparseRatio && max > settings.sparseSafe) {
    if (!settings.sparseConvert) throw new JsonError('Cannot serialise table: excessively sparse array');
    return undefined;
  }
  return max;
}

const NAMES = ['nil', 'boolean', 'lightuserdata', 'number', 'string', 'table', 'function', 'userdata', 'thread'];

/** A value that is no table, encoded. */
function encodePlain(lua: Lua, L: number, type: number, settings: JsonSettings): string {
  const { api } = lua;
  if (type === TYPE.number) return number(api.lua_tonumber(L, -1), settings);
  if (type === TYPE.boolean) return api.lua_toboolean(L, -1) !== 0 ? 'true' : 'false';
  if (type === TYPE.nil || (type === TYPE.light && api.lua_touserdata(L, -1) === 0)) return 'null';
  throw new JsonError(`Cannot serialise ${NAMES[type]}: type not supported`);
}

/** Encodes a string; long ones in parts. */
function* encodeString(text: string, out: Pieces): Generator<void> {
  if (text.length <= LONG) {
    out.add(`"${escaped(text)}"`);
    return;
  }
  out.add('"');
  for (const part of parts(text)) {
    out.add(escaped(part));
    yield;
  }
  out.add('"');
}

/** Encodes the value on top of the stack as lua-cjson does. Throws a JsonError. */
export function* encodeJson(
  lua: Lua,
  L: number,
  settings: JsonSettings,
  out: Pieces,
  pace: Pace,
  depth = 0,
): Generator<void> {
  const { api } = lua;
  const type = api.lua_type(L, -1);
  if (type === TYPE.string) {
    yield* encodeString(lua.text(L, -1)!, out);
    return;
  }
  if (type !== TYPE.table) {
    out.add(encodePlain(lua, L, type, settings));
    return;
  }
  if (depth + 1 > settings.encodeMaxDepth || api.lua_checkstack(L, 4) === 0)
    throw new JsonError(`Cannot serialise, excessive nesting (${depth + 1})`);
  const length = yield* arrayLength(lua, L, settings, pace);
  out.add(length === undefined ? '{' : '[');
  if (length === undefined) {
    let first = true;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      if (!first) out.add(',');
      first = false;
      yield* encodeKey(lua, L, settings, out);
      yield* encodeJson(lua, L, settings, out, pace, depth + 1);
      api.lua_settop(L, -2);
      if (pace.due) yield;
    }
  } else {
    for (let i = 1; i <= length; i++) {
      if (i > 1) out.add(',');
      api.lua_rawgeti(L, -1, i);
      yield* encodeJson(lua, L, settings, out, pace, depth + 1);
      api.lua_settop(L, -2);
      if (pace.due) yield;
    }
  }
  out.add(length === undefined ? '}' : ']');
}

/** Encodes the key under the value on top. */
function* encodeKey(lua: Lua, L: number, settings: JsonSettings, out: Pieces): Generator<void> {
  const type = lua.api.lua_type(L, -2);
  if (type === TYPE.number) out.add(`"${number(lua.api.lua_tonumber(L, -2), settings)}"`);
  else if (type === TYPE.string) yield* encodeString(lua.text(L, -2)!, out);
  else throw new JsonError(`Cannot serialise ${NAMES[type]}: table key must be a number or string`);
  out.add(':');
}
