import type { WasmGlobal, WasmMemory, WasmTable } from './webassembly.ts';

export const LUA_REGISTRY = -10_000;
export const LUA_GLOBALS = -10_002;
export const TYPE = { nil: 0, boolean: 1, light: 2, number: 3, string: 4, table: 5, function: 6 } as const;

/** The parts of Lua 5.1's C interface that are used here; every pointer and index is a number. */
export interface LuaExports {
  readonly memory: WasmMemory;
  readonly __indirect_function_table: WasmTable;
  /** How many loops of Lua's own code may begin another round before `spent` is called. */
  readonly fuel: WasmGlobal;
  __wasm_call_ctors(): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  realloc(pointer: number, bytes: number): number;
  lua_newstate(allocator: number, data: number): number;
  lua_gettop(L: number): number;
  lua_settop(L: number, top: number): void;
  lua_pushvalue(L: number, at: number): void;
  lua_remove(L: number, at: number): void;
  lua_insert(L: number, at: number): void;
  lua_replace(L: number, at: number): void;
  lua_checkstack(L: number, more: number): number;
  lua_type(L: number, at: number): number;
  lua_isnumber(L: number, at: number): number;
  lua_tonumber(L: number, at: number): number;
  lua_toboolean(L: number, at: number): number;
  lua_tolstring(L: number, at: number, length: number): number;
  lua_objlen(L: number, at: number): number;
  lua_touserdata(L: number, at: number): number;
  lua_pushnil(L: number): void;
  lua_pushnumber(L: number, value: number): void;
  lua_pushlstring(L: number, text: number, length: number): void;
  lua_pushboolean(L: number, value: number): void;
  lua_pushlightuserdata(L: number, pointer: number): void;
  lua_pushcclosure(L: number, fn: number, upvalues: number): void;
  lua_createtable(L: number, array: number, hash: number): void;
  lua_rawget(L: number, at: number): void;
  lua_rawgeti(L: number, at: number, index: number): void;
  lua_rawset(L: number, at: number): void;
  lua_rawseti(L: number, at: number, index: number): void;
  lua_next(L: number, at: number): number;
  lua_call(L: number, args: number, results: number): void;
  lua_pcall(L: number, args: number, results: number, handler: number): number;
  lua_gc(L: number, what: number, data: number): number;
  lua_sethook(L: number, hook: number, mask: number, count: number): void;
  luaL_where(L: number, level: number): void;
  luaL_argerror(L: number, argument: number, message: number): number;
  luaL_checknumber(L: number, argument: number): number;
  luaL_loadbuffer(L: number, text: number, length: number, name: number): number;
  luaopen_base: () => number;
  luaopen_table: () => number;
  luaopen_string: () => number;
  luaopen_math: () => number;
  luaopen_debug: () => number;
}
