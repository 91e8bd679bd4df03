import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SLOT, bridgeModule, copierModule } from './bridge.ts';
import type { LuaExports } from './lua-exports.ts';
import { meter } from './metering.ts';
import { wasm } from './webassembly.ts';
import type { WasmGlobal, WasmModule, WasmTable } from './webassembly.ts';

/** What the bridge offers; the functions by their names. */
export interface BridgeExports {
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

/** What Lua asks of whoever runs it, on its way through the bridge. */
export interface LuaHost {
  /** Runs function `k` of JavaScript's; see `callback` in bridge.ts for what it returns. */
  call(k: number, L: number): number;
  /** Pushes what is raised as an error at the next instruction after an interrupt. */
  hook(L: number): void;
  /** Whether the script is to be suspended now. */
  mustRest(): boolean;
  /** Gives others their turn. */
  rest(): Promise<void>;
}

/** Lua's module and the bridge beside it, with memory and tables of their own. */
export interface LuaInstance {
  readonly api: LuaExports;
  readonly bridge: BridgeExports;
  /** Makes a function callable for Lua, and returns its place in the tables of both modules. */
  readonly offer: (fn: unknown) => number;
}

/** Makes an instance that may hold so many bytes; its constructors are still to be run, which ask the host already. */
export function instantiateLua(limitBytes: number, host: LuaHost): LuaInstance {
  const { lua, bridge: bridgeOf, copier, spentSlot } = compiled();
  const bridge = new wasm.Instance(bridgeOf, {
    env: {
      call: (k: number, L: number) => host.call(k, L),
      hook: (L: number) => host.hook(L),
      mustRest: () => (host.mustRest() ? 1 : 0),
      rest: new wasm.Suspending(() => host.rest()),
    },
  }).exports as BridgeExports;
  const grow = (wanted: number): number => growMemory(api, wanted, limitBytes);
  const api = new wasm.Instance(lua, importsOf(lua, bridge, grow)).exports as LuaExports;
  const table = api.__indirect_function_table;
  for (let i = 0; i < table.length; i++) bridge.table.set(i, table.get(i));
  const exported = api as unknown as Readonly<Record<string, unknown>>;
  const { copy } = new wasm.Instance(copier, { env: { memory: api.memory } }).exports as { readonly copy: unknown };
  for (const [name, slot] of Object.entries(SLOT)) bridge.table.set(slot, slot === SLOT.copy ? copy : exported[name]);
  const offer = (fn: unknown): number => {
    const at = table.grow(1);
    table.set(at, fn);
    bridge.table.set(at, fn);
    return at;
  };
  if (offer(bridge['spent']) !== spentSlot) throw new Error("Lua's loops have nobody to call.");
  bridge.limit.value = limitBytes;
  return { api, bridge, offer };
}

/** Everything Emscripten's C library would ask of its host: no files, no environment, no time; memory up to the limit. */
function importsOf(
  lua: WasmModule,
  bridge: BridgeExports,
  grow: (wanted: number) => number,
): Record<string, Record<string, unknown>> {
  const offered: Record<string, Record<string, unknown>> = {
    env: {
      exit: () => {
        throw new Error('Lua has given up: an error was raised outside of any protected call.');
      },
      invoke_vii: bridge['invoke'],
      _emscripten_throw_longjmp: bridge['throwIt'],
      emscripten_memcpy_js: bridge['copy'],
      emscripten_resize_heap: (wanted: number) => grow(wanted >>> 0),
    },
  };
  for (const { module, name } of wasm.Module.imports(lua)) (offered[module] ??= {})[name] ??= () => 0;
  return offered;
}

function growMemory({ memory }: LuaExports, wanted: number, limitBytes: number): number {
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
