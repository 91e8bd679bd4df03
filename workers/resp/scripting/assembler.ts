/** What WebAssembly modules are made of, as bytes. All values here are 32-bit integers. */

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

/** Signed LEB128. */
export function sleb(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return done ? [low] : [low | 0x80, ...sleb(rest)];
}

const I32 = 0x7f;
const VOID = 0x40;
const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** Pieces of code follow one another. */
type Code = number | readonly number[];

/** Instructions. Those with a body end it themselves. */
export const op = {
  end: 0x0b,
  add: 0x6a,
  sub: 0x6b,
  equal: 0x46,
  isZero: 0x45,
  above: 0x4b,
  drop: 0x1a,
  return: 0x0f,
  get: (local: number): number[] => [0x20, local],
  set: (local: number): number[] => [0x21, local],
  tee: (local: number): number[] => [0x22, local],
  getGlobal: (global: number): number[] => [0x23, global],
  setGlobal: (global: number): number[] => [0x24, global],
  constant: (value: number): number[] => [0x41, ...sleb(value)],
  call: (fn: number): number[] => [0x10, fn],
  callIndirect: (type: number): number[] => [0x11, type, 0],
  /** Calls what stands at a fixed place of the table. */
  callSlot: (slot: number, type: number): number[] => [0x41, ...sleb(slot), 0x11, type, 0],
  seq: (...parts: readonly Code[]): number[] => parts.flat(),
  when: (...body: readonly Code[]): number[] => [0x04, VOID, ...body.flat(), 0x0b],
  loop: (...body: readonly Code[]): number[] => [0x03, VOID, ...body.flat(), 0x0b],
  /** Begins anew the loop that is `depth` blocks out. */
  again: (depth: number): number[] => [0x0c, depth],
  attempt: (body: readonly number[], caught: readonly number[]): number[] => [
    0x06,
    VOID,
    ...body,
    0x07,
    0,
    ...caught,
    0x0b,
  ],
  raise: [0x08, 0],
  copyMemory: [0xfc, 0x0a, 0, 0],
} as const;

const text = (value: string): number[] => [...leb(value.length), ...Buffer.from(value, 'latin1')];
const list = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
const section = (id: number, bytes: readonly number[]): number[] => [id, ...leb(bytes.length), ...bytes];

/** A function: its name, the index of its type, how many locals it has beside its parameters, and its code. */
export interface WasmFunction {
  readonly name: string;
  readonly type: number;
  readonly locals?: number;
  readonly code: readonly number[];
}

/** What a module consists of. Imported functions come first in the index space. */
export interface ModuleParts {
  /** By numbers of parameters and results. */
  readonly types: readonly (readonly [parameters: number, results: number])[];
  readonly imports: readonly (readonly [name: string, type: number])[];
  readonly importsMemory?: boolean;
  readonly functions: readonly WasmFunction[];
  /** The size of its table, which is exported. */
  readonly tableSize?: number;
  /** The type of what it throws. */
  readonly tag?: number;
  /** Names of its globals, which are exported. */
  readonly globals?: readonly string[];
}

/** The bytes of a module; all its functions are exported. */
export function assemble(parts: ModuleParts): Uint8Array<ArrayBuffer> {
  const { types, imports, functions, tableSize, tag, globals = [] } = parts;
  const signature = (count: number): number[] => list(Array.from({ length: count }, () => [I32]));
  const exported = [
    ...functions.map(({ name }, i) => [...text(name), 0, ...leb(i + imports.length)]),
    ...globals.map((name, i) => [...text(name), 3, i]),
    ...(tableSize === undefined ? [] : [[...text('table'), 1, 0]]),
  ];
  const imported = [
    ...imports.map(([name, type]) => [...text('env'), ...text(name), 0, type]),
    ...(parts.importsMemory === true ? [[...text('env'), ...text('memory'), 2, 0, 0]] : []),
  ];
  const bodies = functions.map(({ locals = 0, code }) => {
    const bytes = [...(locals === 0 ? [0] : [1, locals, I32]), ...code, op.end];
    return [...leb(bytes.length), ...bytes];
  });
  return new Uint8Array([
    ...MAGIC,
    ...section(1, list(types.map(([from, to]) => [0x60, ...signature(from), ...signature(to)]))),
    ...section(2, list(imported)),
    ...section(3, list(functions.map(({ type }) => [type]))),
    ...(tableSize === undefined ? [] : section(4, list([[0x70, 0, ...leb(tableSize)]]))),
    ...(tag === undefined ? [] : section(13, list([[0, tag]]))),
    ...section(6, list(globals.map(() => [I32, 1, ...op.constant(0), op.end]))),
    ...section(7, list(exported)),
    ...section(10, list(bodies)),
  ]);
}
