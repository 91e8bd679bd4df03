import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createAllocator } from './allocator.ts';
import { wasm } from './webassembly.ts';
import type { WasmMemory, WasmModule, WasmTable } from './webassembly.ts';
import { CALLBACKS_MAX, SLOT, bridgeModule } from './bridge.ts';

export const LUA_REGISTRY = -10_000;
export const LUA_GLOBALS = -10_002;
const MASK_COUNT = 8;
const SCRATCH_BYTES = 65_536;

export const TYPE = { nil: 0, boolean: 1, light: 2, number: 3, string: 4, table: 5, function: 6 } as const;

/** The parts of Lua 5.1's C interface that are used here; every pointer and index is a number. */
export interface LuaExports {
  readonly memory: WasmMemory;
  readonly __indirect_function_table: WasmTable;
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

interface BridgeExports {
  readonly table: WasmTable;
  readonly outcome: { value: number };
  readonly run: (...args: number[]) => void;
  readonly [name: string]: unknown;
}

const require = createRequire(import.meta.url);
let modules: { readonly lua: WasmModule; readonly bridge: WasmModule } | undefined;

function compiled(): NonNullable<typeof modules> {
  const folder = dirname(require.resolve('wasmoon-lua5.1'));
  return (modules ??= {
    lua: new wasm.Module(readFileSync(join(folder, 'liblua5.1.wasm'))),
    bridge: new wasm.Module(bridgeModule()),
  });
}

/** A function offered to Lua: its arguments are on the stack; returns how many results it pushed, or -1 to raise the top. */
export type LuaFunction = (L: number) => number;

/**
 * One Lua state in a WebAssembly instance of its own: what runs in it reaches its own memory and the functions
 * registered here, and nothing else. Strings are byte strings.
 */
export class Lua {
  readonly api: LuaExports;
  readonly L: number;
  /** Called every so many instructions, with the coroutine that runs; a promise suspends the script until it is settled. */
  onHook: (L: number) => Promise<void> | undefined = () => undefined;
  private readonly bridge: BridgeExports;
  private readonly functions: LuaFunction[] = [];
  private readonly start: (...args: number[]) => Promise<void>;
  private readonly hook: number;
  private readonly scratch: number;
  private bytes: Buffer;
  private readonly allocator: ReturnType<typeof createAllocator>;

  constructor(limitBytes: number) {
    const { lua, bridge } = compiled();
    this.bridge = new wasm.Instance(bridge, {
      env: {
        call: (k: number, L: number) => this.functions[k]!(L),
        hook: new wasm.Suspending((L) => this.onHook(L)),
        allocate: (_: number, pointer: number, oldBytes: number, newBytes: number) =>
          this.allocator.allocate(pointer, oldBytes, newBytes),
      },
    }).exports as BridgeExports;
    this.api = new wasm.Instance(lua, this.imports(lua, limitBytes)).exports as LuaExports;
    const { api } = this;
    const table = api.__indirect_function_table;
    for (let i = 0; i < table.length; i++) this.bridge.table.set(i, table.get(i));
    const exported = api as unknown as Readonly<Record<string, unknown>>;
    for (const [name, slot] of Object.entries(SLOT)) {
      const known = { luaError: 'lua_error', pcall: 'lua_pcall' } as const;
      this.bridge.table.set(slot, exported[name in known ? known[name as keyof typeof known] : name]);
    }
    api.__wasm_call_ctors();
    this.bytes = Buffer.from(api.memory.buffer);
    this.allocator = createAllocator(api, limitBytes);
    this.scratch = api.malloc(SCRATCH_BYTES);
    this.hook = this.offer(this.bridge['hook']);
    this.start = wasm.promising(this.bridge.run);
    this.L = api.lua_newstate(this.offer(this.bridge['allocate']), 0);
    for (const open of ['luaopen_base', 'luaopen_table', 'luaopen_string', 'luaopen_math', 'luaopen_debug'] as const) {
      api.lua_pushcclosure(this.L, this.offer(api[open]), 0);
      api.lua_call(this.L, 0, 0);
    }
  }

  /** Everything Emscripten's C library would ask of its host: no files, no environment, no time; memory up to the limit. */
  private imports(lua: WasmModule, limitBytes: number): Record<string, Record<string, unknown>> {
    const offered: Record<string, Record<string, unknown>> = {
      env: {
        exit: () => {
          throw new Error('Lua has given up: an error was raised outside of any protected call.');
        },
        invoke_vii: this.bridge['invoke'],
        _emscripten_throw_longjmp: this.bridge['throwIt'],
        emscripten_memcpy_js: (to: number, from: number, size: number) => {
          this.memory.copyWithin(to, from, from + size);
        },
        emscripten_resize_heap: (wanted: number) => this.grow(wanted >>> 0, limitBytes),
      },
    };
    for (const { module, name } of wasm.Module.imports(lua)) (offered[module] ??= {})[name] ??= () => 0;
    return offered;
  }

  private grow(wanted: number, limitBytes: number): number {
    const { memory } = this.api;
    const size = memory.buffer.byteLength;
    // The C library and fragments need some room of their own beside what Lua may hold.
    const most = size + limitBytes * 2;
    if (wanted > Math.min(most, 32 * 1_048_576 + limitBytes * 2)) return 0;
    try {
      memory.grow(Math.ceil((Math.max(wanted, size + 1_048_576) - size) / 65_536));
      return 1;
    } catch {
      return 0;
    }
  }

  /** The memory as it is now; growing it invalidates what was read before. */
  private get memory(): Buffer {
    if (this.bytes.length === 0) this.bytes = Buffer.from(this.api.memory.buffer);
    return this.bytes;
  }

  private offer(fn: unknown): number {
    const table = this.api.__indirect_function_table;
    const at = table.grow(1);
    table.set(at, fn);
    this.bridge.table.set(at, fn);
    return at;
  }

  /** Sets after how many instructions of a coroutine `onHook` is called; those it creates inherit it. */
  hookEvery(L: number, instructions: number): void {
    this.api.lua_sethook(L, this.hook, MASK_COUNT, instructions);
  }

  /** Bytes the state holds. */
  get usedBytes(): number {
    return this.allocator.used;
  }

  /** Pushes a function of JavaScript's. */
  pushFunction(fn: LuaFunction): void {
    const k = this.functions.push(fn) - 1;
    if (k >= CALLBACKS_MAX) throw new Error('The bridge has no room for more functions; raise CALLBACKS_MAX.');
    this.api.lua_pushcclosure(this.L, this.offer(this.bridge[`callback${k}`]), 0);
  }

  /** Pushes a byte string. */
  push(L: number, text: string): void {
    this.withText(text, (pointer) => this.api.lua_pushlstring(L, pointer, text.length));
  }

  /** Calls back with the text in Lua's memory, followed by a zero. */
  private withText<T>(text: string, use: (pointer: number) => T): T {
    if (text.length < SCRATCH_BYTES) {
      const end = this.memory.write(text, this.scratch, 'latin1');
      this.memory[this.scratch + end] = 0;
      return use(this.scratch);
    }
    const pointer = this.api.malloc(text.length + 1);
    if (pointer === 0) throw new Error('not enough memory');
    try {
      this.memory.write(text, pointer, 'latin1');
      this.memory[pointer + text.length] = 0;
      return use(pointer);
    } finally {
      this.api.free(pointer);
    }
  }

  /** The string or number at an index as a byte string; undefined for other types. A number there becomes a string. */
  text(L: number, at: number): string | undefined {
    const pointer = this.api.lua_tolstring(L, at, this.scratch);
    if (pointer === 0) return undefined;
    const { memory } = this;
    return memory.toString('latin1', pointer, pointer + memory.readUInt32LE(this.scratch));
  }

  /** Puts the message on the stack as an error of the calling line; the function that calls this returns the result. */
  raise(L: number, message: string): number {
    this.api.luaL_where(L, 1);
    this.push(L, (this.text(L, -1) ?? '') + message);
    return -1;
  }

  /** Raises what is wrong with an argument; does not return. */
  badArgument(L: number, argument: number, message: string): never {
    this.withText(message, (pointer) => this.api.luaL_argerror(L, argument, pointer));
    throw new Error('Lua has returned from an error.');
  }

  /** A string argument; anything but a string or number raises an error. */
  stringArgument(L: number, argument: number): string {
    const type = this.api.lua_type(L, argument);
    if (type === TYPE.string || type === TYPE.number) return this.text(L, argument)!;
    const got = ['nil', 'boolean', 'userdata', 'number', 'string', 'table', 'function', 'userdata', 'thread'][type];
    return this.badArgument(L, argument, `string expected, got ${got ?? 'no value'}`);
  }

  /** A number argument; anything that is none raises an error. */
  numberArgument(L: number, argument: number, whenMissing?: number): number {
    if (whenMissing !== undefined && this.api.lua_type(L, argument) <= TYPE.nil) return whenMissing;
    return this.api.luaL_checknumber(L, argument);
  }

  /** Compiles a chunk and pushes it as a function; else returns the message. */
  load(source: string, name: string): string | undefined {
    const { api, L } = this;
    const chunkName = api.malloc(name.length + 1);
    this.memory.write(`${name}\0`, chunkName, 'latin1');
    const status = this.withText(source, (pointer) => api.luaL_loadbuffer(L, pointer, source.length, chunkName));
    api.free(chunkName);
    if (status === 0) return undefined;
    const message = this.text(L, -1) ?? 'unknown error';
    api.lua_settop(L, -2);
    return message;
  }

  /**
   * Calls the function under its arguments, with the error handler at an index. Returns the status when it ended at
   * once, else a promise of it: then it was suspended, and nothing else may run in this state.
   */
  run(args: number, results: number, handler: number): number | Promise<number> {
    const { outcome } = this.bridge;
    outcome.value = 0;
    const ended = this.start(this.L, args, results, handler);
    if (outcome.value !== 0) {
      // It is settled already; nobody waits for it.
      ended.catch(() => undefined);
      return outcome.value - 1;
    }
    return ended.then(() => outcome.value - 1);
  }
}
