import { CALLBACKS_MAX } from './bridge.ts';
import { TYPE } from './lua-exports.ts';
import type { LuaExports } from './lua-exports.ts';
import { instantiateLua } from './lua-instance.ts';
import type { BridgeExports } from './lua-instance.ts';
import { LuaTexts } from './lua-texts.ts';
import { wasm } from './webassembly.ts';

const MASK_COUNT = 8;
/** What precompiled chunks begin with. */
const BYTECODE = '\x1b';
/** How many rounds Lua's loops make between two looks at the clock: about 50 µs. */
const FUEL = 10_000;

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
  private readonly offer: (fn: unknown) => number;
  private readonly texts: LuaTexts;
  /** Whether nothing but WebAssembly is between a running script and where it was started. */
  private suspendable = false;
  /** The clock has to be looked at as soon as JavaScript has returned to Lua. */
  private overdue = false;
  /** The function of JavaScript's that is in the middle of its work. */
  private unfinished: Generator<void, number> | undefined;

  constructor(limitBytes: number) {
    const { api, bridge, offer } = instantiateLua(limitBytes, {
      call: (k, L) => this.call(k, L),
      hook: (L) => this.onInterrupt(L),
      mustRest: () => this.mustRest(),
      rest: () => this.onRest(),
    });
    this.api = api;
    this.bridge = bridge;
    this.offer = offer;
    api.__wasm_call_ctors();
    this.texts = new LuaTexts(api);
    this.hook = offer(bridge['hook']);
    this.start = wasm.promising(bridge.run);
    this.L = api.lua_newstate(offer(bridge['allocate']), 0);
    for (const open of ['luaopen_base', 'luaopen_table', 'luaopen_string', 'luaopen_math', 'luaopen_debug'] as const) {
      api.lua_pushcclosure(this.L, offer(api[open]), 0);
      api.lua_call(this.L, 0, 0);
    }
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

  /** Pushes a function that makes one of the library's from one of Lua's: errors in it are those of the line that called it. */
  pushFraming(): void {
    const framed = this.offer(this.bridge['framed']);
    this.pushFunction((L) => {
      this.api.lua_settop(L, 1);
      this.api.lua_pushcclosure(L, framed, 1);
      return 1;
    });
  }

  /** Pushes a byte string. */
  push(L: number, text: string): void {
    this.texts.push(L, text);
  }

  /** Pushes the byte string that pieces make together, which others may interrupt between two of them. */
  pushPieces(L: number, pieces: readonly string[], length: number): Generator<void> {
    return this.texts.pushPieces(L, pieces, length);
  }

  /** The string or number at an index as a byte string; undefined for other types. A number there becomes a string. */
  text(L: number, at: number): string | undefined {
    return this.texts.text(L, at);
  }

  /** Puts the message on the stack as an error of the calling line; the function that calls this returns the result. */
  raise(L: number, message: string): number {
    this.api.luaL_where(L, 1);
    this.push(L, (this.text(L, -1) ?? '') + message);
    return -1;
  }

  /** Raises what is wrong with an argument; does not return. */
  badArgument(L: number, argument: number, message: string): never {
    this.texts.with(message, (pointer) => this.api.luaL_argerror(L, argument, pointer));
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
    const { api, L, texts } = this;
    const source = text.startsWith(BYTECODE) ? ` ${text}` : text;
    const chunkName = texts.place(name);
    const status = texts.with(source, (pointer) => api.luaL_loadbuffer(L, pointer, source.length, chunkName));
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
