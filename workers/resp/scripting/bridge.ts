import { assemble, op } from './assembler.ts';
import type { WasmFunction } from './assembler.ts';

/**
 * A hand-assembled WebAssembly module that stands between Lua's module and JavaScript. What is here must not pass through
 * a JavaScript frame, or a script could not be suspended at any depth (JS Promise Integration forbids it): Lua's protected
 * calls (setjmp), its errors (longjmp), its allocator, long copies, and calls of functions that Lua calls.
 */

/** How many functions JavaScript can offer to Lua. */
export const CALLBACKS_MAX = 96;
/** Where, in the bridge's copy of Lua's function table, the functions stand that the bridge itself calls. */
export const SLOT = {
  stackSave: 4000,
  stackRestore: 4001,
  setThrew: 4002,
  lua_error: 4003,
  lua_pcall: 4004,
  free: 4005,
  realloc: 4006,
  copy: 4007,
  lua_pushvalue: 4008,
  lua_insert: 4009,
  lua_gettop: 4010,
  lua_call: 4011,
} as const;
const TABLE_SIZE = 4096;
/** So much is copied before it is looked whether others are to have their turn. */
const COPY_BYTES = 262_144;

const TYPES = [
  [2, 0],
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
  [2, 1],
  [3, 0],
  [4, 1],
  [4, 0],
] as const;
const T = { ii_v: 0, v_v: 1, i_v: 2, v_i: 3, i_i: 4, ii_i: 5, iii_v: 6, iiii_i: 7, iiii_v: 8 } as const;

const IMPORTS = [
  ['call', T.ii_i],
  ['hook', T.i_v],
  ['mustRest', T.v_i],
  ['rest', T.v_v],
] as const;
const IMPORT = { call: 0, hook: 1, mustRest: 2, rest: 3 } as const;
const GLOBAL = { outcome: 0, used: 1, limit: 2 } as const;
/** The first of the module's own functions. */
const SPENT = IMPORTS.length;

const { seq, get, set, tee, getGlobal, setGlobal, constant, call, callSlot, when, loop, again } = op;

/** What Lua's loops call when their fuel is used up: JavaScript decides whether the script is suspended. */
const spent: WasmFunction = {
  name: 'spent',
  type: T.v_v,
  code: seq(call(IMPORT.mustRest), when(call(IMPORT.rest))),
};

/** invoke_vii(fn, a, b): calls fn(a, b); when Lua throws inside, tells it so, as Emscripten's setjmp expects. */
const invoke: WasmFunction = {
  name: 'invoke',
  type: T.iii_v,
  locals: 1,
  code: seq(
    callSlot(SLOT.stackSave, T.v_i),
    set(3),
    op.attempt(
      seq(get(1), get(2), get(0), op.callIndirect(T.ii_v)),
      seq(get(3), callSlot(SLOT.stackRestore, T.i_v), constant(1), constant(0), callSlot(SLOT.setThrew, T.ii_v)),
    ),
  ),
};

const throwIt: WasmFunction = { name: 'throwIt', type: T.v_v, code: op.raise };

/** hook(L, why): raises the error that JavaScript puts on the stack. */
const hook: WasmFunction = {
  name: 'hook',
  type: T.ii_v,
  code: seq(get(0), call(IMPORT.hook), get(0), callSlot(SLOT.lua_error, T.i_i), op.drop),
};

/** used + new - old */
const wouldUse = seq(getGlobal(GLOBAL.used), get(3), op.add, get(2), op.sub);
const refuse = seq(constant(0), op.return);

/**
 * Lua's `lua_Alloc`(data, pointer, old size, new size): the C library's, with a limit. What exceeds it is refused, which a
 * script sees as "not enough memory". A new size of 0 frees.
 */
const allocate: WasmFunction = {
  name: 'allocate',
  type: T.iiii_i,
  locals: 1,
  code: seq(
    get(1),
    op.isZero,
    when(constant(0), set(2)),
    get(3),
    op.isZero,
    when(get(1), callSlot(SLOT.free, T.i_v), getGlobal(GLOBAL.used), get(2), op.sub, setGlobal(GLOBAL.used), refuse),
    get(3),
    get(2),
    op.above,
    when(
      get(3),
      getGlobal(GLOBAL.limit),
      op.above,
      when(refuse),
      wouldUse,
      getGlobal(GLOBAL.limit),
      op.above,
      when(refuse),
    ),
    get(1),
    get(3),
    callSlot(SLOT.realloc, T.ii_i),
    tee(4),
    when(wouldUse, setGlobal(GLOBAL.used)),
    get(4),
  ),
};

/** run(L, arguments, results, error function): lua_pcall, whose outcome plus one is left in the global `outcome`. */
const run: WasmFunction = {
  name: 'run',
  type: T.iiii_v,
  code: seq(
    get(0),
    get(1),
    get(2),
    get(3),
    callSlot(SLOT.lua_pcall, T.iiii_i),
    constant(1),
    op.add,
    setGlobal(GLOBAL.outcome),
  ),
};

/** copy(to, from, size), piece by piece. */
const copy: WasmFunction = {
  name: 'copy',
  type: T.iii_v,
  code: seq(
    loop(
      get(2),
      constant(COPY_BYTES),
      op.above,
      when(
        get(0),
        get(1),
        constant(COPY_BYTES),
        callSlot(SLOT.copy, T.iii_v),
        get(0),
        constant(COPY_BYTES),
        op.add,
        set(0),
        get(1),
        constant(COPY_BYTES),
        op.add,
        set(1),
        get(2),
        constant(COPY_BYTES),
        op.sub,
        set(2),
        call(SPENT),
        again(1),
      ),
    ),
    get(0),
    get(1),
    get(2),
    callSlot(SLOT.copy, T.iii_v),
  ),
};

/** The index of a C function's first upvalue, and as many results as there are. */
const FIRST_UPVALUE = -10_003;
const ALL_RESULTS = -1;

/**
 * framed(L): a C function that calls the Lua function in its upvalue. A tail call of a Lua function leaves nothing of the
 * line it was made from, which a message needs; one of a C function does.
 */
const framed: WasmFunction = {
  name: 'framed',
  type: T.i_i,
  code: seq(
    get(0),
    constant(FIRST_UPVALUE),
    callSlot(SLOT.lua_pushvalue, T.ii_v),
    get(0),
    constant(1),
    callSlot(SLOT.lua_insert, T.ii_v),
    get(0),
    get(0),
    callSlot(SLOT.lua_gettop, T.i_i),
    constant(1),
    op.sub,
    constant(ALL_RESULTS),
    callSlot(SLOT.lua_call, T.iii_v),
    get(0),
    callSlot(SLOT.lua_gettop, T.i_i),
  ),
};

/**
 * callback k(L): JavaScript's function k. -1 raises what it left on the stack as a Lua error, and after -2 others have their
 * turn before it is asked to go on.
 */
const callback = (k: number): WasmFunction => ({
  name: `callback${k}`,
  type: T.i_i,
  locals: 1,
  code: seq(
    loop(constant(k), get(0), call(IMPORT.call), tee(1), constant(-2), op.equal, when(call(SPENT), again(1))),
    get(1),
    constant(-1),
    op.equal,
    when(get(0), callSlot(SLOT.lua_error, T.i_i), op.return),
    get(1),
  ),
});

/** The bridge's bytes. */
export function bridgeModule(): Uint8Array<ArrayBuffer> {
  const callbacks = Array.from({ length: CALLBACKS_MAX }, (_, k) => callback(k));
  return assemble({
    types: TYPES,
    imports: IMPORTS,
    functions: [spent, invoke, throwIt, hook, allocate, run, copy, framed, ...callbacks],
    tableSize: TABLE_SIZE,
    tag: T.v_v,
    globals: ['outcome', 'used', 'limit'],
  });
}

/** A module that copies within Lua's own memory. */
export function copierModule(): Uint8Array<ArrayBuffer> {
  const code = seq(get(0), get(1), get(2), op.copyMemory);
  return assemble({ types: [[3, 0]], imports: [], importsMemory: true, functions: [{ name: 'copy', type: 0, code }] });
}
