import { TYPE } from './lua-exports.ts';
import type { Lua, LuaFunction } from './lua.ts';
import { Pace, Pieces } from './pieces.ts';

/** Tables nested deeper than this become nil, as in Redis. */
const NESTING_MAX = 16;
const scratch = Buffer.alloc(9);

/** A head byte followed by an unsigned big-endian integer of some bytes. */
function head(code: number, value: number | bigint, bytes: 1 | 2 | 4 | 8): string {
  scratch[0] = code;
  if (bytes === 8) scratch.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)), 1);
  else scratch.writeUIntBE(Number(BigInt.asUintN(bytes * 8, BigInt(value))), 1, bytes);
  return scratch.toString('latin1', 0, bytes + 1);
}

function packNumber(value: number): string {
  if (!Number.isInteger(value) || value >= 2 ** 63 || value < -(2 ** 63)) return packFloat(value);
  if (value >= 0) {
    if (value <= 127) return String.fromCharCode(value);
    if (value <= 0xff) return head(0xcc, value, 1);
    if (value <= 0xffff) return head(0xcd, value, 2);
    return value <= 0xffff_ffff ? head(0xce, value, 4) : head(0xcf, BigInt(value), 8);
  }
  if (value >= -32) return String.fromCharCode(256 + value);
  if (value >= -128) return head(0xd0, value, 1);
  if (value >= -32_768) return head(0xd1, value, 2);
  return value >= -2_147_483_648 ? head(0xd2, value, 4) : head(0xd3, BigInt(value), 8);
}

function packFloat(value: number): string {
  if (Math.fround(value) === value) {
    scratch[0] = 0xca;
    scratch.writeFloatBE(value, 1);
    return scratch.toString('latin1', 0, 5);
  }
  scratch[0] = 0xcb;
  scratch.writeDoubleBE(value, 1);
  return scratch.toString('latin1', 0, 9);
}

function packString(text: string): string {
  const { length } = text;
  if (length < 32) return String.fromCharCode(0xa0 | length) + text;
  if (length <= 0xff) return head(0xd9, length, 1) + text;
  return (length <= 0xffff ? head(0xda, length, 2) : head(0xdb, length, 4)) + text;
}

function sized(length: number, small: number, middle: number): string {
  if (length <= 15) return String.fromCharCode(small | length);
  return length <= 0xffff ? head(middle, length, 2) : head(middle + 1, length, 4);
}

/** Packs the value on top of the stack, unless it is a table. */
function packPlain(lua: Lua, L: number, type: number): string {
  const { api } = lua;
  if (type === TYPE.string) return packString(lua.text(L, -1)!);
  if (type === TYPE.number) return packNumber(api.lua_tonumber(L, -1));
  if (type === TYPE.boolean) return api.lua_toboolean(L, -1) !== 0 ? '\xc3' : '\xc2';
  return '\xc0';
}

/** The number of fields of the table on top, and whether it is an array. */
function* measure(lua: Lua, L: number, pace: Pace): Generator<void, { count: number; array: boolean }> {
  const { api } = lua;
  let count = 0;
  let max = 0;
  let array = true;
  api.lua_pushnil(L);
  while (api.lua_next(L, -2) !== 0) {
    const key = api.lua_type(L, -2) === TYPE.number ? api.lua_tonumber(L, -2) : 0;
    if (!(key > 0) || !Number.isInteger(key)) array = false;
    else max = Math.max(max, key);
    count++;
    api.lua_settop(L, -2);
    if (pace.due) yield;
  }
  return { count, array: array && max === count };
}

/** Packs the value on top of the stack. */
function* pack(lua: Lua, L: number, level: number, out: Pieces, pace: Pace): Generator<void> {
  const { api } = lua;
  const type = api.lua_type(L, -1);
  if (type !== TYPE.table || level === NESTING_MAX || api.lua_checkstack(L, 4) === 0) {
    out.add(packPlain(lua, L, type));
    return;
  }
  const { count, array } = yield* measure(lua, L, pace);
  out.add(array ? sized(count, 0x90, 0xdc) : sized(count, 0x80, 0xde));
  const element = function* (): Generator<void> {
    const kind = api.lua_type(L, -1);
    if (kind === TYPE.table) yield* pack(lua, L, level + 1, out, pace);
    else out.add(packPlain(lua, L, kind));
    api.lua_settop(L, -2);
    if (pace.due) yield;
  };
  if (array) {
    for (let i = 1; i <= count; i++) {
      api.lua_rawgeti(L, -1, i);
      yield* element();
    }
    return;
  }
  api.lua_pushnil(L);
  while (api.lua_next(L, -2) !== 0) {
    api.lua_pushvalue(L, -2);
    yield* element();
    yield* element();
  }
}

class PackError extends Error {}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

/** Moves over bytes that must be there. */
function skip(cursor: Cursor, size: number): number {
  const { at } = cursor;
  if (at + size > cursor.bytes.length) throw new PackError('Missing bytes in input.');
  cursor.at += size;
  return at;
}

function unsigned(cursor: Cursor, bytes: 1 | 2 | 4 | 8): number {
  const at = skip(cursor, bytes);
  return bytes === 8 ? Number(cursor.bytes.readBigUInt64BE(at)) : cursor.bytes.readUIntBE(at, bytes);
}

function signed(cursor: Cursor, bytes: 1 | 2 | 4 | 8): number {
  const at = skip(cursor, bytes);
  return bytes === 8 ? Number(cursor.bytes.readBigInt64BE(at)) : cursor.bytes.readIntBE(at, bytes);
}

const BYTES = [1, 2, 4, 8] as const;

/** How many items a table has whose code this is, and whether it is a map; undefined when the code is no table's. */
function tableOf(code: number, cursor: Cursor): { readonly count: number; readonly map: boolean } | undefined {
  if (code >= 0x80 && code <= 0x9f) return { count: code & 15, map: code <= 0x8f };
  if (code < 0xdc || code > 0xdf) return undefined;
  return { count: unsigned(cursor, (code & 1) === 0 ? 2 : 4), map: code >= 0xde };
}

/** Unpacks one value and pushes it. */
function* unpack(lua: Lua, L: number, cursor: Cursor, pace: Pace): Generator<void> {
  const { api } = lua;
  if (api.lua_checkstack(L, 4) === 0) throw new PackError('Bad data format in input.');
  const code = unsigned(cursor, 1);
  if (pace.due) yield;
  const table = tableOf(code, cursor);
  if (table === undefined) {
    unpackPlain(lua, L, cursor, code);
    return;
  }
  api.lua_createtable(L, 0, 0);
  for (let i = 1; i <= table.count; i++) {
    yield* unpack(lua, L, cursor, pace);
    if (!table.map) {
      api.lua_rawseti(L, -2, i);
      continue;
    }
    yield* unpack(lua, L, cursor, pace);
    const key = api.lua_type(L, -2);
    if (key === TYPE.nil || (key === TYPE.number && Number.isNaN(api.lua_tonumber(L, -2))))
      throw new PackError('Bad data format in input.');
    api.lua_rawset(L, -3);
  }
}

function unpackPlain(lua: Lua, L: number, cursor: Cursor, code: number): void {
  const { api } = lua;
  const string = (length: number): void => {
    const at = skip(cursor, length);
    lua.push(L, cursor.bytes.toString('latin1', at, at + length));
  };
  if (code <= 0x7f) api.lua_pushnumber(L, code);
  else if (code >= 0xe0) api.lua_pushnumber(L, code - 256);
  else if (code <= 0xbf) string(code & 31);
  else if (code === 0xc0) api.lua_pushnil(L);
  else if (code === 0xc2 || code === 0xc3) api.lua_pushboolean(L, code & 1);
  else if (code === 0xca) api.lua_pushnumber(L, cursor.bytes.readFloatBE(skip(cursor, 4)));
  else if (code === 0xcb) api.lua_pushnumber(L, cursor.bytes.readDoubleBE(skip(cursor, 8)));
  else if (code >= 0xcc && code <= 0xcf) api.lua_pushnumber(L, unsigned(cursor, BYTES[code - 0xcc]!));
  else if (code >= 0xd0 && code <= 0xd3) api.lua_pushnumber(L, signed(cursor, BYTES[code - 0xd0]!));
  else if (code >= 0xd9 && code <= 0xdb) string(unsigned(cursor, BYTES[code - 0xd9]!));
  else throw new PackError('Bad data format in input.');
}

/** The cmsgpack library, as Redis has it. */
export function msgpackLibrary(lua: Lua): Readonly<Record<string, LuaFunction>> {
  const { api } = lua;
  /** Unpacks up to `limit` values; with `partial` the first result tells where to go on, or -1. */
  const unpackMany = function* (L: number, limit: number, offset: number, partial: boolean): Generator<void, number> {
    const bytes = Buffer.from(lua.stringArgument(L, 1), 'latin1');
    if (offset < 0 || limit < 0)
      return lua.raise(L, `Invalid request to unpack with offset of ${offset} and limit of ${bytes.length}.`);
    if (offset > bytes.length) return lua.raise(L, `Start offset ${offset} greater than input length ${bytes.length}.`);
    const cursor = { bytes, at: offset };
    const base = api.lua_gettop(L);
    const pace = new Pace();
    let count = 0;
    try {
      while (cursor.at < bytes.length && count < limit) {
        yield* unpack(lua, L, cursor, pace);
        count++;
      }
    } catch (error) {
      if (error instanceof PackError) return lua.raise(L, error.message);
      throw error;
    }
    if (!partial) return count;
    api.lua_pushnumber(L, cursor.at < bytes.length ? cursor.at : -1);
    api.lua_insert(L, base + 1);
    return count + 1;
  };
  return {
    *pack(L) {
      const count = api.lua_gettop(L);
      if (count === 0) lua.badArgument(L, 0, 'MessagePack pack needs input.');
      const out = new Pieces();
      const pace = new Pace();
      for (let i = 1; i <= count; i++) {
        api.lua_pushvalue(L, i);
        yield* pack(lua, L, 0, out, pace);
        api.lua_settop(L, -2);
      }
      yield* lua.pushPieces(L, out.all(), out.length);
      return 1;
    },
    unpack: (L) => unpackMany(L, 0x7fff_ffff, 0, false),
    unpack_one: (L) => unpackMany(L, 1, Math.trunc(lua.numberArgument(L, 2, 0)), true),
    unpack_limit: (L) =>
      unpackMany(L, Math.trunc(lua.numberArgument(L, 2)), Math.trunc(lua.numberArgument(L, 3, 0)), true),
  };
}
