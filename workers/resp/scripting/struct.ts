import type { Lua, LuaFunction } from './lua.ts';

const INTEGER_BYTES_MAX = 32;
const ALIGNMENT_MAX = 8;
const PLAIN_SIZES: Readonly<Record<string, number>> = { b: 1, B: 1, h: 2, H: 2, l: 8, L: 8, T: 8, f: 4, d: 8, x: 1 };

interface Item {
  readonly option: string;
  /** Bytes; 0 for strings of unknown length. */
  readonly size: number;
  readonly little: boolean;
  /** Bytes of padding before it, for a given place. */
  readonly padding: (at: number) => number;
}

class FormatError extends Error {}
/** What Redis says of the format as an argument. */
class OptionError extends Error {}

/** The items of a format, one by one. */
function* items(format: string): Generator<Item> {
  let little = true;
  let alignment = 1;
  for (let at = 0; at < format.length;) {
    const option = format[at++]!;
    const number = (): number | undefined => {
      const digits = /^\d+/.exec(format.slice(at, at + 12))?.[0];
      at += digits?.length ?? 0;
      if (digits !== undefined && Number(digits) > 2_147_483_647) throw new FormatError('integral size overflow');
      return digits === undefined ? undefined : Number(digits);
    };
    let size = PLAIN_SIZES[option] ?? 0;
    if (option === 'i' || option === 'I') {
      size = number() ?? 4;
      if (size > INTEGER_BYTES_MAX)
        throw new FormatError(`integral size ${size} is larger than limit of ${INTEGER_BYTES_MAX}`);
    } else if (option === 'c') size = number() ?? 1;
    else if (option === ' ') continue;
    else if (option === '>' || option === '<') {
      little = option === '<';
      continue;
    } else if (option === '!') {
      alignment = number() ?? ALIGNMENT_MAX;
      if (alignment === 0 || (alignment & (alignment - 1)) !== 0)
        throw new FormatError(`alignment ${alignment} is not a power of 2`);
      continue;
    } else if (option !== 's' && size === 0) throw new OptionError(`invalid format option '${option}'`);
    const step = option === 'c' ? 0 : Math.min(size, alignment);
    yield {
      option,
      size,
      little,
      padding: (place) => (step > 1 ? (step - (place & (step - 1))) & (step - 1) : 0),
    };
  }
}

function writeInteger(value: number, size: number, little: boolean): string {
  const whole = Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
  const bytes = Buffer.alloc(size);
  let rest = BigInt.asUintN(64, whole);
  for (let i = 0; i < size; i++) {
    bytes[little ? i : size - 1 - i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes.toString('latin1');
}

function readInteger(bytes: Buffer, size: number, little: boolean, signed: boolean): number {
  let value = 0n;
  for (let i = 0; i < size; i++) value = (value << 8n) | BigInt(bytes[little ? size - 1 - i : i]!);
  const low = BigInt.asUintN(64, value);
  return Number(signed ? BigInt.asIntN(Math.min(64, size * 8), low) : low);
}

function writeFloat(value: number, size: number, little: boolean): string {
  const bytes = Buffer.alloc(size);
  if (size === 4) bytes.writeFloatLE(value);
  else bytes.writeDoubleLE(value);
  return (little ? bytes : bytes.reverse()).toString('latin1');
}

/** The struct library, as Redis has it. */
export function structLibrary(lua: Lua): Readonly<Record<string, LuaFunction>> {
  const { api } = lua;
  const guarded =
    (run: LuaFunction): LuaFunction =>
    (L) => {
      try {
        return run(L);
      } catch (error) {
        if (error instanceof OptionError) return lua.badArgument(L, 1, error.message);
        if (error instanceof FormatError) return lua.raise(L, error.message);
        throw error;
      }
    };
  const pack: LuaFunction = (L) => {
    let out = '';
    let argument = 2;
    for (const { option, size, little, padding } of items(lua.stringArgument(L, 1))) {
      out += '\0'.repeat(padding(out.length));
      if (option === 'x') out += '\0';
      else if (option === 's') out += `${lua.stringArgument(L, argument++)}\0`;
      else if (option === 'c') {
        const text = lua.stringArgument(L, argument);
        if (text.length < size) lua.badArgument(L, argument + 1, 'string too short');
        argument++;
        out += size === 0 ? text : text.slice(0, size);
      } else if (option === 'f' || option === 'd') out += writeFloat(lua.numberArgument(L, argument++), size, little);
      else out += writeInteger(lua.numberArgument(L, argument++), size, little);
    }
    lua.push(L, out);
    return 1;
  };
  const unpack: LuaFunction = (L) => {
    const format = lua.stringArgument(L, 1);
    const data = lua.stringArgument(L, 2);
    let at = Math.trunc(lua.numberArgument(L, 3, 1)) - 1;
    if (at === -1) lua.badArgument(L, 3, 'offset must be 1 or greater');
    // Redis reads the offset without its sign.
    if (at < 0) lua.badArgument(L, 2, 'data string too short');
    api.lua_settop(L, 2);
    let count = 0;
    for (const { option, size, little, padding } of items(format)) {
      at += padding(at);
      if (at > data.length || size > data.length - at) lua.badArgument(L, 2, 'data string too short');
      if (api.lua_checkstack(L, 2) === 0) throw new FormatError('too many results');
      const bytes = (length: number): Buffer => Buffer.from(data.slice(at, at + length), 'latin1');
      if (option === 'x') {
        at += 1;
        continue;
      }
      let length = size;
      if (option === 's') {
        length = data.indexOf('\0', at) - at;
        if (length < 0) throw new FormatError('unfinished string in data');
        lua.push(L, data.slice(at, at + length));
        length++;
      } else if (option === 'c') {
        if (size === 0) {
          if (count === 0 || api.lua_type(L, -1) !== 3) throw new FormatError("format 'c0' needs a previous size");
          length = api.lua_tonumber(L, -1);
          api.lua_settop(L, -2);
          count--;
          if (!(length >= 0) || at + length > data.length) lua.badArgument(L, 2, 'data string too short');
        }
        lua.push(L, data.slice(at, at + length));
      } else if (option === 'f' || option === 'd') {
        const raw = little ? bytes(size) : bytes(size).reverse();
        api.lua_pushnumber(L, option === 'f' ? raw.readFloatLE() : raw.readDoubleLE());
      } else api.lua_pushnumber(L, readInteger(bytes(size), size, little, option === option.toLowerCase()));
      at += length;
      count++;
    }
    api.lua_pushnumber(L, at + 1);
    return count + 1;
  };
  const sizeOf: LuaFunction = (L) => {
    let total = 0;
    for (const { option, size, padding } of items(lua.stringArgument(L, 1))) {
      total += padding(total);
      if (option === 's') lua.badArgument(L, 1, "option 's' has no fixed size");
      if (option === 'c' && size === 0) lua.badArgument(L, 1, "option 'c0' has no fixed size");
      total += size;
    }
    api.lua_pushnumber(L, total);
    return 1;
  };
  return { pack: guarded(pack), unpack: guarded(unpack), size: guarded(sizeOf) };
}
