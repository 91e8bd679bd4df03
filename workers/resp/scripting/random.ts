import type { Lua, LuaFunction } from './lua.ts';

/** `math.random` as Redis has it: drand48, which starts from seed 0 in every state. */
export function randomLibrary(lua: Lua): Readonly<Record<string, LuaFunction>> {
  const { api } = lua;
  const MAX = 0x7fff_ffff;
  let state = 0x330en;
  const seed = (value: number): void => {
    state = (BigInt.asUintN(32, BigInt(Number.isFinite(value) ? Math.trunc(value) : 0)) << 16n) | 0x330en;
  };
  const next = (): number => {
    state = BigInt.asUintN(48, state * 0x5deece66dn + 0xbn);
    return Number(state >> 17n);
  };
  return {
    random: (L) => {
      const fraction = (next() % MAX) / MAX;
      const count = api.lua_gettop(L);
      if (count === 0) api.lua_pushnumber(L, fraction);
      else if (count <= 2) {
        const low = count === 1 ? 1 : Math.trunc(lua.numberArgument(L, 1));
        const high = Math.trunc(lua.numberArgument(L, count));
        if (low > high) lua.badArgument(L, count, 'interval is empty');
        api.lua_pushnumber(L, Math.floor(fraction * (high - low + 1)) + low);
      } else return lua.raise(L, 'wrong number of arguments');
      return 1;
    },
    randomseed: (L) => {
      seed(lua.numberArgument(L, 1));
      return 0;
    },
  };
}
