import { bitLibrary } from './bit.ts';
import { jsonLibrary } from './cjson.ts';
import { msgpackLibrary } from './cmsgpack.ts';
import { LUA_GLOBALS, LUA_REGISTRY, Lua } from './lua.ts';
import type { LuaFunction } from './lua.ts';
import { PRELUDE, PRELUDE_SOURCE } from './prelude.ts';
import { REDIS_CONSTANTS, REGISTRY, pushKept, randomLibrary, redisLibrary } from './redis-library.ts';
import type { ScriptHost } from './redis-library.ts';
import { structLibrary } from './struct.ts';

const FIRST_SCRIPT = 16;

/** A Lua state that is ready for the scripts of one node. */
export interface ScriptState {
  readonly lua: Lua;
  /** Compiles a script unless that was done before; returns the message when it is none. */
  compile(sha: string, source: string): string | undefined;
  /** Starts a compiled script with fresh settings. The outcome is on the stack when it has ended. */
  start(sha: string, keys: readonly string[], args: readonly string[]): number | Promise<number>;
}

/** Makes a state: the libraries Redis offers, nothing of the operating system, and globals that can't be changed. */
export function createState(host: ScriptHost, limitBytes: number): ScriptState {
  const lua = new Lua(limitBytes);
  const { api, L } = lua;
  const json = jsonLibrary(lua);
  const random = randomLibrary(lua);
  const setField = (name: string, pushValue: () => void): void => {
    lua.push(L, name);
    pushValue();
    api.lua_rawset(L, -3);
  };
  const library = (name: string, functions: Readonly<Record<string, LuaFunction>>, more: () => void = () => {}): void =>
    setField(name, () => {
      api.lua_createtable(L, 0, 0);
      for (const [field, fn] of Object.entries(functions)) setField(field, () => lua.pushFunction(fn));
      more();
    });
  const names = (pairs: Readonly<Record<string, string | number>>): void => {
    for (const [field, value] of Object.entries(pairs)) {
      setField(field, () => (typeof value === 'string' ? lua.push(L, value) : api.lua_pushnumber(L, value)));
    }
  };

  const problem = lua.load(PRELUDE_SOURCE, PRELUDE);
  if (problem !== undefined) throw new Error(`The prelude does not compile: ${problem}`);
  api.lua_createtable(L, 0, 0);
  library('redis', redisLibrary(lua, host), () => names(REDIS_CONSTANTS));
  library('cjson', json.functions, () => {
    names({ _NAME: 'cjson', _VERSION: '2.1.0' });
    setField('null', () => api.lua_pushlightuserdata(L, 0));
  });
  library('cmsgpack', msgpackLibrary(lua), () => names({ _NAME: 'cmsgpack', _VERSION: 'lua-cmsgpack 0.4.0' }));
  library('struct', structLibrary(lua));
  library('bit', bitLibrary(lua));
  library('random', random);
  setField('clock', () =>
    lua.pushFunction((state) => {
      api.lua_pushnumber(state, process.cpuUsage().user / 1e6);
      return 1;
    }),
  );
  if (api.lua_pcall(L, 1, 3, 0) !== 0) throw new Error(`The prelude failed: ${lua.text(L, -1)}`);
  api.lua_rawseti(L, LUA_REGISTRY, REGISTRY.handler);
  api.lua_rawseti(L, LUA_REGISTRY, REGISTRY.names);
  api.lua_pushvalue(L, -1);
  api.lua_rawseti(L, LUA_REGISTRY, REGISTRY.environment);
  // What is compiled from now on, by scripts too, sees the environment only.
  api.lua_replace(L, LUA_GLOBALS);

  const compiled = new Map<string, number>();
  const words = (values: readonly string[]): void => {
    api.lua_createtable(L, values.length, 0);
    for (const [i, value] of values.entries()) {
      lua.push(L, value);
      api.lua_rawseti(L, -2, i + 1);
    }
  };
  return {
    lua,
    compile(sha, source) {
      if (compiled.has(sha)) return undefined;
      const message = lua.load(source, '@user_script');
      if (message !== undefined) return message;
      const at = FIRST_SCRIPT + compiled.size;
      api.lua_rawseti(L, LUA_REGISTRY, at);
      compiled.set(sha, at);
      return undefined;
    },
    start(sha, keys, args) {
      json.reset();
      pushKept(lua, REGISTRY.names);
      setField('KEYS', () => words(keys));
      setField('ARGV', () => words(args));
      api.lua_settop(L, 0);
      pushKept(lua, REGISTRY.handler);
      pushKept(lua, compiled.get(sha)!);
      return lua.run(0, 1, 1);
    },
  };
}
