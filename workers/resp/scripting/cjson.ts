import { decodeJson } from './cjson-decode.ts';
import { JsonError, defaultJsonSettings, encodeJson } from './cjson-encode.ts';
import type { JsonSettings } from './cjson-encode.ts';
import { TYPE } from './lua-exports.ts';
import type { Lua, LuaFunction } from './lua.ts';
import { Pace, Pieces } from './pieces.ts';

/** The cjson library (lua-cjson 2.1), and what makes its settings fresh for the next script. */
export function jsonLibrary(lua: Lua): { readonly functions: Readonly<Record<string, LuaFunction>>; reset(): void } {
  const { api } = lua;
  let settings = defaultJsonSettings();

  const guarded = (run: (L: number) => Generator<void>): LuaFunction =>
    function* (L) {
      try {
        yield* run(L);
        return 1;
      } catch (error) {
        if (error instanceof JsonError) return lua.raise(L, error.message);
        throw error;
      }
    };
  const integer =
    (name: 'encodeMaxDepth' | 'decodeMaxDepth' | 'precision', min: number, max: number): LuaFunction =>
    (L) => {
      if (api.lua_gettop(L) > 0 && api.lua_type(L, 1) !== TYPE.nil) {
        const wanted = lua.numberArgument(L, 1);
        if (wanted < min || wanted > max) lua.badArgument(L, 1, `expected integer between ${min} and ${max}`);
        settings[name] = Math.trunc(wanted);
      }
      api.lua_pushnumber(L, settings[name]);
      return 1;
    };
  const invalidNumbers =
    (name: 'encodeInvalidNumbers' | 'decodeInvalidNumbers'): LuaFunction =>
    (L) => {
      const type = api.lua_gettop(L) > 0 ? api.lua_type(L, 1) : TYPE.nil;
      if (type === TYPE.boolean) settings[name] = api.lua_toboolean(L, 1) !== 0;
      else if (type === TYPE.string) {
        const option = lua.text(L, 1)!;
        if (option === 'null' && name === 'encodeInvalidNumbers') settings.encodeInvalidNumbers = 'null';
        else if (option === 'on' || option === 'off') settings[name] = option === 'on';
        else lua.badArgument(L, 1, `invalid option '${option}'`);
      }
      const now: JsonSettings[typeof name] = settings[name];
      if (now === 'null') lua.push(L, now);
      else api.lua_pushboolean(L, now ? 1 : 0);
      return 1;
    };
  return {
    functions: {
      encode: guarded(function* (L) {
        if (api.lua_gettop(L) !== 1) lua.badArgument(L, 1, 'expected 1 argument');
        const out = new Pieces();
        yield* encodeJson(lua, L, settings, out, new Pace());
        yield* lua.pushPieces(L, out.all(), out.length);
      }),
      decode: guarded(function* (L) {
        if (api.lua_gettop(L) !== 1) lua.badArgument(L, 1, 'expected 1 argument');
        yield* decodeJson(lua, L, lua.stringArgument(L, 1), settings);
      }),
      encode_max_depth: integer('encodeMaxDepth', 1, 2_147_483_647),
      decode_max_depth: integer('decodeMaxDepth', 1, 2_147_483_647),
      encode_number_precision: integer('precision', 1, 14),
      encode_invalid_numbers: invalidNumbers('encodeInvalidNumbers'),
      decode_invalid_numbers: invalidNumbers('decodeInvalidNumbers'),
      encode_keep_buffer: (L) => {
        api.lua_pushboolean(L, api.lua_gettop(L) > 0 ? api.lua_toboolean(L, 1) : 1);
        return 1;
      },
      encode_sparse_array: (L) => {
        const top = api.lua_gettop(L);
        if (top >= 1 && api.lua_type(L, 1) !== TYPE.nil) settings.sparseConvert = api.lua_toboolean(L, 1) !== 0;
        settings.sparseRatio = lua.numberArgument(L, 2, settings.sparseRatio);
        settings.sparseSafe = lua.numberArgument(L, 3, settings.sparseSafe);
        api.lua_pushboolean(L, settings.sparseConvert ? 1 : 0);
        api.lua_pushnumber(L, settings.sparseRatio);
        api.lua_pushnumber(L, settings.sparseSafe);
        return 3;
      },
    },
    reset() {
      settings = defaultJsonSettings();
    },
  };
}
