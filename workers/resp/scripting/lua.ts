import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CALLBACKS_MAX, SLOT, bridgeModule, copierModule } from './bridge.ts';
import { TYPE } from './lua-exports.ts';
import type { LuaExports } from './lua-exports.ts';
import { meter } from './metering.ts';
import { wasm } from './webassembly.ts';
import type { WasmGlobal, WasmModule, WasmTable } from './webassembly.ts';

const MASK_COUNT = 8;
/** What precompiled chunks begin with. */
const BYTECODE = '\x1b';
const SCRATCH_BYTES = 65_536;
/** How many rounds Lua's loops make between two looks at the clock: about 50 µs. */
const FUEL = 10_000;
/** Up to this length a string is carried over byte by byte, which is quicker than a call. */
const SHORT_TEXT = 24;

interface BridgeExports {
  readonly table: WasmTable;
  readonly outcome: WasmGlobal;
  /** Bytes Lua holds, and may hold. */
  readonly used: WasmGlobal;
  readonly limit: WasmGlobal;
  readonly run: (...args: number[]) => void;
  readonly [name: string]: unknown;
}

const require = createRequire(import.meta.url);
interface Modules {
  readonly lua: WasmModule;
  /** Where Lua's loops expect the function that they call. */
  readonly spentSlot: number;
  readonly bridge: WasmModule;
  readonly copier: WasmModule;
}

let modules: Modules | undefined;

function compiled(): Modules {
  if (modules !== undefined) return modules;
  const folder = dirname(require.resolve('wasmoon-lua5.1'));
  const { bytes, slot } = meter(readFileSync(join(folder, 'liblua5.1.wasm')));
  return (modules = {
    lua: new wasm.Module(bytes),
    spentSlot: slot,
    bridge: new wasm.Module(bridgeModule()),
    copier: new wasm.Module(copierModule()),
  });
}

/** Short strings seen last, by a hash of their bytes: commands, options and fields come again and again. */
const shortTexts: string[] = Array.from({ length: 1024 }, () => '');

function shortText(memory: Buffer, pointer: number, length: number): string {
  let hash = length;
  for (let i = pointer; i < pointer + length; i++) hash = (hash * 31 + memory[i]!) | 0;
  const known = shortTexts[hash & 1023]!;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === memory[pointer + i]) i++;
    if (i === length) return known;
  }
  return (shortTexts[hash & 1023] = memory.toString('latin1', pointer, pointer + length));
}

/**
 * A function offered to Lua: its arguments are on the stack; returns how many results it pushed, or -1 to raise the top.
 * Long work is given as a generator that yields now and then, so that others have their turn.
 */
export type LuaFunction = (L: number) => number | Generator<void, number>;

/**
 * One Lua state in a WebAssembly instance of its own: what runs in it reaches its own memory and the functions
 * registered here, and nothing else. Strings are byte strings.
 */
export class Lua {
  readonly api: LuaExports;
  readonly L: number;
  /** Asked every so often while the state is at work: whether others are to have their turn now. */
  isOver: () => boolean = () => false;
  /** Gives others their turn: the state is suspended until the promise is settled. */
  onRest: () => Promise<void> = () => Promise.resolve();
  /** What is raised as an error at the next instruction after `interrupt`: pushes it. */
  onInterrupt: (L: number) => void = () => {};
  private readonly bridge: BridgeExports;
  private readonly functions: LuaFunction[] = [];
  private readonly start: (...args: number[]) => Promise<void>;
  private readonly hook: number;
  private readonly scratch: number;
  private bytes: Buffer;
  /** Whether nothing but WebAssembly is between a running script and where it was started. */
  private suspendable = false;
  /** The clock has to be looked at as soon as JavaScript has returned to Lua. */
  private overdue = false;
  /** The function of JavaScript's that is in the middle of its work. */
  private unfinished: Generator<void, number> | undefined;

  constructor(limitBytes: number) {
    const { lua, bridge, copier, spentSlot } = compiled();
    this.bridge = new wasm.Instance(bridge, {
      env: {
        call: (k: number, L: number) => this.call(k, L),
        hook: (L: number) => this.onInterrupt(L),
        mustRest: () => (this.mustRest() ? 1 : 0),
        rest: new wasm.Suspending(() => this.onRest()),
      },
    }).exports as BridgeExports;
    this.api = new wasm.Instance(lua, this.imports(lua, limitBytes)).exports as LuaExports;
    const { api } = this;
    const table = api.__indirect_function_table;
    for (let i = 0; i < table.length; i++) this.bridge.table.set(i, table.get(i));
    const exported = api as unknown as Readonly<Record<string, unknown>>;
    const { copy } = new wasm.Instance(copier, { env: { memory: api.memory } }).exports as { readonly copy: unknown };
    for (const [name, slot] of Object.entries(SLOT)) {
      this.bridge.table.set(slot, slot === SLOT.copy ? copy : exported[name]);
    }
    if (this.offer(this.bridge['spent']) !== spentSlot) throw new Error("Lua's loops have nobody to call.");
    api.__wasm_call_ctors();
    this.bytes = Buffer.from(api.memory.buffer);
    this.bridge.limit.value = limitBytes;
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
        emscripten_memcpy_js: this.bridge['copy'],
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

  /** Lua's loops have made so many rounds that the clock is looked at; says whether the script is to be suspended. */
  private mustRest(): boolean {
    this.api.fuel.value = FUEL;
    if (this.suspendable) return this.isOver();
    this.overdue = true;
    return false;
  }

  /** Runs a function for Lua; -2 when it wants to be asked again after others had their turn. */
  private call(k: number, L: number): number {
    const before = this.suspendable;
    this.suspendable = false;
    try {
      if (this.unfinished === undefined) {
        const outcome = this.functions[k]!(L);
        if (typeof outcome === 'number') return outcome;
        this.unfinished = outcome;
      }
      const step = this.unfinished.next();
      if (step.done !== true) return -2;
      this.unfinished = undefined;
      return step.value;
    } catch (error) {
      this.unfinished = undefined;
      throw error;
    } finally {
      this.suspendable = before;
      if (this.overdue && before) {
        this.overdue = false;
        this.api.fuel.value = 0;
      }
    }
  }

  /** Lets the running script fail at its next instruction, and at each one after it; safe at any time. */
  interrupt(): void {
    this.api.lua_sethook(this.L, this.hook, MASK_COUNT, 1);
  }

  /** Ends what `interrupt` began. */
  endInterrupt(): void {
    this.api.lua_sethook(this.L, 0, 0, 0);
  }

  /** Bytes the state holds. */
  get usedBytes(): number {
    return this.bridge.used.value;
  }

  /** Pushes a function of JavaScript's. */
  pushFunction(fn: LuaFunction): void {
    const k = this.functions.push(fn) - 1;
    if (k >= CALLBACKS_MAX) throw new Error('The bridge has no room for more functions; raise CALLBACKS_MAX.');
    this.api.lua_pushcclosure(this.L, this.offer(this.bridge[`callback${k}`]), 0);
  }

  /** Pushes a byte string. */
  push(L: number, text: string): void {
    const { length } = text;
    if (length <= SHORT_TEXT) {
      const { memory, scratch } = this;
      for (let i = 0; i < length; i++) memory[scratch + i] = text.charCodeAt(i);
      this.api.lua_pushlstring(L, scratch, length);
    } else this.withText(text, (pointer) => this.api.lua_pushlstring(L, pointer, length));
  }

  /** Pushes the byte string that pieces make together, which others may interrupt between two of them. */
  *pushPieces(L: number, pieces: readonly string[], length: number): Generator<void> {
    if (pieces.length === 1) {
      this.push(L, pieces[0]!);
      return;
    }
    const pointer = this.api.malloc(length);
    if (pointer === 0) throw new Error('not enough memory');
    try {
      let at = pointer;
      for (const piece of pieces) {
        at += this.memory.write(piece, at, 'latin1');
        yield;
      }
      this.api.lua_pushlstring(L, pointer, length);
    } finally {
      this.api.free(pointer);
    }
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
    const { memory, scratch } = this;
    const length =
      memory[scratch]! | (memory[scratch + 1]! << 8) | (memory[scratch + 2]! << 16) | (memory[scratch + 3]! << 24);
    return length > SHORT_TEXT
      ? memory.toString('latin1', pointer, pointer + length)
      : shortText(memory, pointer, length);
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

  /**
   * Compiles a chunk and pushes it as a function; else returns the message. Bytecode is not even looked at, since nothing
   * checks it: behind a space it is text, and wrong.
   */
  load(text: string, name: string): string | undefined {
    const { api, L } = this;
    const source = text.startsWith(BYTECODE) ? ` ${text}` : text;
    const chunkName = api.malloc(name.length + 1);
    this.memory.write(`${name}\0`, chunkName, 'latin1');
    const status = this.withText(source, (pointer) => api.luaL_loadbuffer(L, pointer, source.length, chunkName));
    api.free(chunkName);
    if (status === 0) return undefined;
    const message = this.text(L, -1) ?? 'unknown error';
    api.lua_settop(L, -2);
    return message;
  }

  /** As `run`, for what ends soon: it can't be suspended. */
  runAtOnce(args: number, results: number, handler: number): number {
    const { outcome, run } = this.bridge;
    run(this.L, args, results, handler);
    return outcome.value - 1;
  }

  /**
   * Calls the function under its arguments, with the error handler at an index. Returns the status when it ended at
   * once, else a promise of it: then it was suspended, and nothing else may run in this state.
   */
  run(args: number, results: number, handler: number): number | Promise<number> {
    const { outcome } = this.bridge;
    outcome.value = 0;
    this.suspendable = true;
    const ended = this.start(this.L, args, results, handler);
    const status = outcome.value - 1;
    if (status >= 0) {
      this.suspendable = false;
      return status;
    }
    return ended.then(() => outcome.value - 1).finally(() => (this.suspendable = false));
  }
}
