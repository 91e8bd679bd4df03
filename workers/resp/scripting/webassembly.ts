/** The parts of WebAssembly used here. TypeScript declares them only together with a browser's whole DOM. */
export interface WasmTable {
  readonly length: number;
  get(at: number): unknown;
  set(at: number, fn: unknown): void;
  grow(by: number): number;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export interface WasmGlobal {
  value: number;
}

/** A compiled module. */
export type WasmModule = object;

type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface WebAssemblyNamespace {
  readonly Module: {
    new (bytes: Uint8Array): WasmModule;
    imports(module: WasmModule): readonly { readonly module: string; readonly name: string }[];
  };
  readonly Instance: new (module: WasmModule, imports: Imports) => { readonly exports: unknown };
  /** JS Promise Integration: a promise of this import suspends what called it. */
  readonly Suspending: new (fn: (...args: number[]) => unknown) => object;
  /** JS Promise Integration: calls an export so that it may be suspended. */
  readonly promising: (fn: (...args: number[]) => void) => (...args: number[]) => Promise<void>;
}

export const wasm = (globalThis as unknown as { readonly WebAssembly: WebAssemblyNamespace }).WebAssembly;
