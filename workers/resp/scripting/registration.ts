import { TYPE } from './lua-exports.ts';
import type { Lua } from './lua.ts';
import { SCRIPT_FLAGS } from './script.ts';

/** What a library registers a function with. The function itself is on Lua's stack at `callbackAt`. */
export interface Registration {
  readonly name: string;
  readonly description: string | undefined;
  readonly flags: ReadonlySet<string>;
  readonly callbackAt: number;
  /** Whose stack that is. */
  readonly L: number;
}

/** Reads the arguments of redis.register_function, which are on the stack; returns what is wrong with them. */
export function readRegistration(lua: Lua, L: number): Registration | string {
  const count = lua.api.lua_gettop(L);
  if (count < 1 || count > 2) return 'wrong number of arguments to redis.register_function';
  return count === 1 ? readNamed(lua, L) : readPositional(lua, L);
}

/** The string or number at an index. */
function stringAt(lua: Lua, L: number, at: number): string | undefined {
  const type = lua.api.lua_type(L, at);
  return type === TYPE.string || type === TYPE.number ? lua.text(L, at) : undefined;
}

function readPositional(lua: Lua, L: number): Registration | string {
  const name = stringAt(lua, L, 1);
  if (name === undefined) return 'first argument to redis.register_function must be a string';
  if (lua.api.lua_type(L, 2) !== TYPE.function) return 'second argument to redis.register_function must be a function';
  return { name, description: undefined, flags: new Set(), callbackAt: 2, L };
}

function readNamed(lua: Lua, L: number): Registration | string {
  const { api } = lua;
  if (api.lua_type(L, 1) !== TYPE.table)
    return 'calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).';
  let name: string | undefined;
  let description: string | undefined;
  let flags: ReadonlySet<string> | undefined;
  // The place of the callback, which stays on the stack below the iteration.
  api.lua_pushnil(L);
  const callbackAt = api.lua_gettop(L);
  api.lua_pushnil(L);
  while (api.lua_next(L, 1) !== 0) {
    if (api.lua_type(L, -2) !== TYPE.string)
      return 'named argument key given to redis.register_function is not a string';
    switch (lua.text(L, -2)!.toLowerCase()) {
      case 'function_name':
        name = stringAt(lua, L, -1);
        if (name === undefined) return 'function_name argument given to redis.register_function must be a string';
        break;
      case 'description':
        description = stringAt(lua, L, -1);
        if (description === undefined) return 'description argument given to redis.register_function must be a string';
        break;
      case 'callback':
        if (api.lua_type(L, -1) !== TYPE.function)
          return 'callback argument given to redis.register_function must be a function';
        api.lua_pushvalue(L, -1);
        api.lua_replace(L, callbackAt);
        break;
      case 'flags':
        if (api.lua_type(L, -1) !== TYPE.table)
          return 'flags argument to redis.register_function must be a table representing function flags';
        flags = readFlags(lua, L);
        if (flags === undefined) return 'unknown flag given';
        break;
      default:
        return 'unknown argument given to redis.register_function';
    }
    api.lua_settop(L, -2);
  }
  if (name === undefined) return 'redis.register_function must get a function name argument';
  if (api.lua_type(L, callbackAt) !== TYPE.function) return 'redis.register_function must get a callback argument';
  return { name, description, flags: flags ?? new Set(), callbackAt, L };
}

/** The flags in the table on top of the stack; undefined when one is not known. */
function readFlags(lua: Lua, L: number): ReadonlySet<string> | undefined {
  const { api } = lua;
  const found = new Set<string>();
  for (let i = 1; ; i++) {
    api.lua_rawgeti(L, -1, i);
    const type = api.lua_type(L, -1);
    const flag = stringAt(lua, L, -1)?.toLowerCase();
    api.lua_settop(L, -2);
    if (type === TYPE.nil) return found;
    if (flag === undefined || !SCRIPT_FLAGS.includes(flag)) return undefined;
    found.add(flag);
  }
}
