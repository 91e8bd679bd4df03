import type { Lua, LuaFunction } from './lua.ts';

/** A number as the bit library reads it: modulo 2^32, rounded to the nearest. */
function bits(lua: Lua, L: number, at: number): number {
  const value = lua.numberArgument(L, at);
  if (!Number.isFinite(value)) return 0;
  const whole = Math.round(value);
  const rounded = Math.abs(value % 1) === 0.5 && whole % 2 !== 0 ? whole - 1 : whole;
  return Math.abs(rounded) < 2 ** 53 ? (rounded % 2 ** 32) | 0 : Number(BigInt.asIntN(32, BigInt(rounded)));
}

function swap(value: number): number {
  return (value >>> 24) | ((value >>> 8) & 0xff00) | ((value << 8) & 0xff0000) | (value << 24) | 0;
}

function hex(value: number, digits: number): string {
  const size = Math.min(8, Math.abs(digits));
  const text = (value >>> 0)
    .toString(16)
    .padStart(8, '0')
    .slice(8 - size);
  return digits < 0 ? text.toUpperCase() : text;
}

/** LuaJIT's bit operations, as Redis offers them. */
export function bitLibrary(lua: Lua): Readonly<Record<string, LuaFunction>> {
  const { api } = lua;
  const unary =
    (of: (a: number) => number): LuaFunction =>
    (L) => {
      api.lua_pushnumber(L, of(bits(lua, L, 1)) | 0);
      return 1;
    };
  const many =
    (of: (a: number, b: number) => number): LuaFunction =>
    (L) => {
      const count = Math.max(1, api.lua_gettop(L));
      let value = bits(lua, L, 1);
      for (let at = 2; at <= count; at++) value = of(value, bits(lua, L, at));
      api.lua_pushnumber(L, value | 0);
      return 1;
    };
  const shift =
    (of: (a: number, n: number) => number): LuaFunction =>
    (L) => {
      api.lua_pushnumber(L, of(bits(lua, L, 1), bits(lua, L, 2) & 31) | 0);
      return 1;
    };
  return {
    tobit: unary((a) => a),
    bnot: unary((a) => ~a),
    bswap: unary(swap),
    band: many((a, b) => a & b),
    bor: many((a, b) => a | b),
    bxor: many((a, b) => a ^ b),
    lshift: shift((a, n) => a << n),
    rshift: shift((a, n) => a >>> n),
    arshift: shift((a, n) => a >> n),
    rol: shift((a, n) => (a << n) | (a >>> ((32 - n) & 31))),
    ror: shift((a, n) => (a >>> n) | (a << ((32 - n) & 31))),
    tohex: (L) => {
      lua.push(L, hex(bits(lua, L, 1), api.lua_gettop(L) < 2 ? 8 : bits(lua, L, 2)));
      return 1;
    },
  };
}
