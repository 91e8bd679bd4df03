/**
 * A hand-assembled WebAssembly module that stands between Lua's module and JavaScript. Three things must not pass
 * through a JavaScript frame, or a script could not be suspended at any depth (JS Promise Integration forbids it):
 * Lua's protected calls (setjmp), its errors (longjmp), and calls of functions that Lua calls.
 */

/** How many functions JavaScript can offer to Lua. */
export const CALLBACKS_MAX = 96;
/** Where, in the bridge's copy of Lua's function table, the functions stand that the bridge itself calls. */
export const SLOT = { stackSave: 4000, stackRestore: 4001, setThrew: 4002, luaError: 4003, pcall: 4004 } as const;
const TABLE_SIZE = 4096;

const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const I32 = 0x7f;
const END = 0x0b;
const VOID = 0x40;

/** Function types, by number of parameters and results; all are i32. */
const TYPES = [
  [2, 0],
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
  [2, 1],
  [3, 0],
  [4, 1],
] as const;
const T = { ii_v: 0, v_v: 1, i_v: 2, v_i: 3, i_i: 4, ii_i: 5, iii_v: 6, iiii_i: 7 } as const;

/** Unsigned LEB128. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

/** Signed LEB128. */
function sleb(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return done ? [low] : [low | 0x80, ...sleb(rest)];
}

const text = (value: string): number[] => [...leb(value.length), ...Buffer.from(value, 'latin1')];
const list = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
const section = (id: number, bytes: readonly number[]): number[] => [id, ...leb(bytes.length), ...bytes];
const body = (locals: number, code: readonly number[]): number[] => {
  const bytes = [...(locals === 0 ? [0] : [1, locals, I32]), ...code, END];
  return [...leb(bytes.length), ...bytes];
};

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const constant = (value: number): number[] => [0x41, ...sleb(value)];
const callSlot = (slot: number, type: number): number[] => [...constant(slot), 0x11, type, 0];

/** Imported functions come first in the index space. */
const CALL = 0;
const HOOK = 1;
const ALLOCATE = 2;

/** The module's bytes. */
export function bridgeModule(): Uint8Array<ArrayBuffer> {
  // invoke_vii(fn, a, b): calls fn(a, b); when Lua throws inside, tells it so, as Emscripten's setjmp expects.
  const invoke = body(1, [
    ...callSlot(SLOT.stackSave, T.v_i),
    ...set(3),
    0x06,
    VOID,
    ...get(1),
    ...get(2),
    ...get(0),
    0x11,
    T.ii_v,
    0,
    0x07,
    0,
    ...get(3),
    ...callSlot(SLOT.stackRestore, T.i_v),
    ...constant(1),
    ...constant(0),
    ...callSlot(SLOT.setThrew, T.ii_v),
    END,
  ]);
  const throwIt = body(0, [0x08, 0]);
  const hook = body(0, [...get(0), ...get(1), 0x10, HOOK]);
  const allocate = body(0, [...get(0), ...get(1), ...get(2), ...get(3), 0x10, ALLOCATE]);
  // run(L, arguments, results, error function): lua_pcall, whose outcome plus one is left in the global `outcome`.
  const run = body(0, [
    ...get(0),
    ...get(1),
    ...get(2),
    ...get(3),
    ...callSlot(SLOT.pcall, T.iiii_i),
    ...constant(1),
    0x6a,
    0x24,
    0,
  ]);
  // callback k(L): JavaScript's function k; -1 raises what it left on the stack as a Lua error.
  const callbacks = Array.from({ length: CALLBACKS_MAX }, (_, k) =>
    body(1, [
      ...constant(k),
      ...get(0),
      0x10,
      CALL,
      0x22,
      1,
      ...constant(-1),
      0x46,
      0x04,
      VOID,
      ...get(0),
      ...callSlot(SLOT.luaError, T.i_i),
      0x0f,
      END,
      ...get(1),
    ]),
  );
  const functions = [invoke, throwIt, hook, allocate, run, ...callbacks];
  const functionTypes = [T.iii_v, T.v_v, T.ii_v, T.iiii_i, 8, ...callbacks.map(() => T.i_i)];
  const names = ['invoke', 'throwIt', 'hook', 'allocate', 'run', ...callbacks.map((_, k) => `callback${k}`)];
  const types = [...TYPES, [4, 0] as const].map(([parameters, results]) => [
    0x60,
    ...list(Array.from({ length: parameters }, () => [I32])),
    ...list(Array.from({ length: results }, () => [I32])),
  ]);
  return new Uint8Array([
    ...MAGIC,
    ...section(1, list(types)),
    ...section(
      2,
      list([
        [...text('env'), ...text('call'), 0, T.ii_i],
        [...text('env'), ...text('hook'), 0, T.ii_v],
        [...text('env'), ...text('allocate'), 0, T.iiii_i],
      ]),
    ),
    ...section(3, list(functionTypes.map((type) => leb(type)))),
    ...section(4, list([[0x70, 0, ...leb(TABLE_SIZE)]])),
    ...section(13, list([[0, T.v_v]])),
    ...section(6, list([[I32, 1, ...constant(0), END]])),
    ...section(
      7,
      list([
        [...text('table'), 1, 0],
        [...text('outcome'), 3, 0],
        ...names.map((name, i) => [...text(name), 0, ...leb(i + 3)]),
      ]),
    ),
    ...section(10, list(functions)),
  ]);
}
