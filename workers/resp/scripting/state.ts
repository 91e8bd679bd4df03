import { bitLibrary } from './bit.ts';
import { jsonLibrary } from './cjson.ts';
import { msgpackLibrary } from './cmsgpack.ts';
import { LUA_GLOBALS, LUA_REGISTRY, TYPE } from './lua-exports.ts';
import { Lua } from './lua.ts';
import type { LuaFunction } from './lua.ts';
import { PRELUDE, PRELUDE_SOURCE } from './prelude.ts';
import { randomLibrary } from './random.ts';
import { LIBRARY_CONSTANTS, REDIS_CONSTANTS, redisLibrary } from './redis-library.ts';
import type { ScriptHost } from './redis-library.ts';
import { structLibrary } from './struct.ts';

/** Where a state keeps its names, its error handler, and what opens and closes a library; functions come after. */
const KEPT = { names: 1, handler: 2, loading: 3 } as const;
const FIRST_FUNCTION = 16;
/** How often a script is run before a bit of garbage is collected, as Redis does. */
const COLLECT_EVERY = 50;
const GC_STEP = 5;
/** Keys and arguments that are given to a script from one step to the next. */
const WORDS_AT_ONCE = 256;

/** A Lua state that is ready for the scripts of one node. */
export interface ScriptState {
  readonly lua: Lua;
  /** Compiles a script and keeps the function; returns where, or the message when it does not compile. */
  compile(source: string, chunkName: string): number | string;
  /** Keeps the function that is on a stack at an index; returns where. */
  keep(L: number, at: number): number;
  /** Lets go of a kept function. */
  release(ref: number): void;
  /** Gives a script that is to be run its keys and arguments, as globals, in steps. */
  give(keys: readonly string[], args: readonly string[]): Generator<void>;
  /** Runs a kept script; a straight one is never suspended. The outcome is on the stack when it has ended. */
  start(ref: number, straight: boolean): number | Promise<number>;
  /** Puts a kept function on the stack, with its keys and arguments, in steps. */
  giveFunction(ref: number, keys: readonly string[], args: readonly string[]): Generator<void>;
  /** Runs it. */
  callFunction(): number | Promise<number>;
  /** Runs a kept chunk that registers functions, and sees nothing but what it needs for that. */
  startLibrary(ref: number): number | Promise<number>;
  /** Ends what `startLibrary` began. */
  endLibrary(): void;
}

/** Makes a state: the libraries Redis offers, nothing of the operating system, and globals that can't be changed. */
export function createState(host: ScriptHost, limitBytes: number, debugStubs: boolean): ScriptState {
  const lua = new Lua(limitBytes);
  const { api, L } = lua;
  const json = jsonLibrary(lua);
  pushPrelude(lua, host, json.functions, debugStubs);
  if (api.lua_pcall(L, 1, 4, 0) !== 0) throw new Error(`The prelude failed: ${lua.text(L, -1)}`);
  api.lua_rawseti(L, LUA_REGISTRY, KEPT.loading);
  api.lua_rawseti(L, LUA_REGISTRY, KEPT.handler);
  api.lua_rawseti(L, LUA_REGISTRY, KEPT.names);
  // What is compiled from now on, by scripts too, sees the environment only.
  api.lua_replace(L, LUA_GLOBALS);

  let nextRef = FIRST_FUNCTION;
  let runs = 0;
  const pushKept = (ref: number): void => api.lua_rawgeti(L, LUA_REGISTRY, ref);
  function* words(values: readonly string[]): Generator<void> {
    api.lua_createtable(L, values.length, 0);
    for (let i = 0; i < values.length; i++) {
      lua.push(L, values[i]!);
      api.lua_rawseti(L, -2, i + 1);
      if (i % WORDS_AT_ONCE === WORDS_AT_ONCE - 1) yield;
    }
  }
  function* global(name: string, values: readonly string[]): Generator<void> {
    lua.push(L, name);
    yield* words(values);
    api.lua_rawset(L, -3);
  }
  const begin = (): void => {
    json.reset();
    if (++runs % COLLECT_EVERY === 0) api.lua_gc(L, GC_STEP, COLLECT_EVERY);
    api.lua_settop(L, 0);
  };
  const keep = (from: number, at: number): number => {
    api.lua_pushvalue(from, at);
    api.lua_rawseti(from, LUA_REGISTRY, nextRef);
    return nextRef++;
  };
  const show = (loading: 0 | 1): void => {
    pushKept(KEPT.loading);
    api.lua_pushboolean(L, loading);
    api.lua_call(L, 1, 0);
  };
  return {
    lua,
    keep,
    compile(source, chunkName) {
      const message = lua.load(source, chunkName);
      if (message !== undefined) return message;
      const ref = keep(L, -1);
      api.lua_settop(L, -2);
      return ref;
    },
    release(ref) {
      api.lua_pushnil(L);
      api.lua_rawseti(L, LUA_REGISTRY, ref);
    },
    *give(keys, args) {
      begin();
      pushKept(KEPT.names);
      yield* global('KEYS', keys);
      yield* global('ARGV', args);
    },
    start(ref, straight) {
      api.lua_settop(L, 0);
      pushKept(KEPT.handler);
      pushKept(ref);
      return straight ? lua.runAtOnce(0, 1, 1) : lua.run(0, 1, 1);
    },
    *giveFunction(ref, keys, args) {
      begin();
      pushKept(KEPT.handler);
      pushKept(ref);
      yield* words(keys);
      yield* words(args);
    },
    callFunction: () => lua.run(2, 1, 1),
    startLibrary(ref) {
      begin();
      show(1);
      pushKept(ref);
      return lua.run(0, 0, 0);
    },
    endLibrary: () => show(0),
  };
}

/** Pushes the compiled prelude, and the table of the host's functions that it is given. */
function pushPrelude(
  lua: Lua,
  host: ScriptHost,
  json: Readonly<Record<string, LuaFunction>>,
  debugStubs: boolean,
): void {
  const { api, L } = lua;
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
  const redis = redisLibrary(lua, host, debugStubs);
  api.lua_createtable(L, 0, 0);
  library('redis', redis.functions, () => names(REDIS_CONSTANTS));
  library('library', redis.whileLoading, () => names(LIBRARY_CONSTANTS));
  library('cjson', json, () => {
    names({ _NAME: 'cjson', _VERSION: '2.1.0' });
    setField('null', () => api.lua_pushlightuserdata(L, 0));
  });
  library('cmsgpack', msgpackLibrary(lua), () => names({ _NAME: 'cmsgpack', _VERSION: 'lua-cmsgpack 0.4.0' }));
  library('struct', structLibrary(lua));
  library('bit', bitLibrary(lua));
  library('random', randomLibrary(lua));
  setField('framed', () => lua.pushFraming());
  if (api.lua_type(L, -1) !== TYPE.table) throw new Error('The prelude was not given its libraries.');
}
